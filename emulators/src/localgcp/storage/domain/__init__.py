"""What it does: buckets, objects, uploads and notifications, and the rules that they keep."""
