"""2 · The table manager: a message comes in; its event's table exists when it leaves."""
