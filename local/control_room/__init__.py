"""The control room: a page that shows the whole stack live, and acts on any part of it."""
