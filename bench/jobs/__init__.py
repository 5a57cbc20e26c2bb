"""What is measured in a process of its own: it can be killed, and takes no turns with the clock."""
