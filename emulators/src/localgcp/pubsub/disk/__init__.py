"""Where Pub/Sub keeps it: the journal, its records, and how a start reads them."""
