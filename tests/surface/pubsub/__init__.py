"""The clients of Pub/Sub, their futures, options, messages and schedulers, and the REST API."""
