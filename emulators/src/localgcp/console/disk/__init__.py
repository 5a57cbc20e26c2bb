"""What outlives a stop: the facts, and the entries that clients wrote."""
