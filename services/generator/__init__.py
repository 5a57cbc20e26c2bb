"""1 · The generator: requests come in; believable events leave for Pub/Sub. Next: pipeline/."""
