"""Where it is kept: objects by the fake-gcs-server binary, the rest in the front's own file."""
