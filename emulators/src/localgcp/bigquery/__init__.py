"""BigQuery on 127.0.0.1: the REST API over DuckDB, GoogleSQL through SQLGlot, kept on disk."""
