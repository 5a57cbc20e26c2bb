"""0 · What an event is: each type's model, table and fake, all in one file a type."""
