"""Cases for the whole public face of google.cloud.storage's Client, Bucket and Blob."""
