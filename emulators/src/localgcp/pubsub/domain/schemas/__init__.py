"""Schemas: what they are, how a message is held against one, and the registry of them."""
