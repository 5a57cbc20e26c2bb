"""The Storage APIs' domain: rows that are appended by streams, and sessions that read them."""
