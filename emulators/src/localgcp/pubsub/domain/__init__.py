"""What Pub/Sub does: topics, subscriptions, leases, filters, dead letters; time is an argument."""
