"""The console APIs that gcloud asks: Dataflow, Cloud Functions, Cloud Run and Cloud Logging."""
