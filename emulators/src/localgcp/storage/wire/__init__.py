"""How it is said: the JSON API, what of the XML API signed URLs use, uploads and batches."""
