"""How BigQuery is spoken: the REST API, requests in and answers out."""
