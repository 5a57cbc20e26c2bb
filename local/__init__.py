"""What exists only on a laptop: the supervisor, the demo, the delivery ledger."""
