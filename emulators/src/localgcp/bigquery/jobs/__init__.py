"""What is asked to be done: queries and loads, and the jobs they run as."""
