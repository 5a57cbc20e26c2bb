"""Google Cloud for a test suite: a pytest plugin over the emulators, wherever they run."""
