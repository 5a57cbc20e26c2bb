"""The four APIs by JSON over HTTP, and the page that takes the facts."""
