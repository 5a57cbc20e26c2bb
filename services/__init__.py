"""The deployables that run as services: 1 the generator, 2 the table manager."""
