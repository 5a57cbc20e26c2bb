"""The public face of google-cloud-bigquery, used as its documentation does."""
