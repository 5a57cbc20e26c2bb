"""Pub/Sub on 127.0.0.1: gRPC and the JSON REST API on one port, kept on disk."""
