"""What exists: datasets, tables, their schemas and partitions, and what expires."""
