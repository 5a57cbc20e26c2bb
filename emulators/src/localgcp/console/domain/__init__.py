"""What runs, and what it said: knows no HTTP of ours, and no disk but the logs."""
