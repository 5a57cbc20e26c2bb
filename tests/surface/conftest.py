"""The fixtures of our own pytest plugin, there also where it is not installed."""

from __future__ import annotations

from localgcp.testing import plugin

gcp_services = plugin.gcp_services
bigquery_dataset = plugin.bigquery_dataset
session_bigquery_dataset = plugin.session_bigquery_dataset
gcs_bucket = plugin.gcs_bucket
pubsub_topic = plugin.pubsub_topic
