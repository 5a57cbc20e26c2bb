"""3 · The Beam streaming job: from the subscription to tables, files and the dead letter."""
