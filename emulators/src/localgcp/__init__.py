"""4 · The small cloud: Pub/Sub, BigQuery and Cloud Storage, each its own process on 127.0.0.1."""
