output "event_generator_service_url" {
  description = "Where the generator listens; null before the first release."
  value       = one(google_cloud_run_v2_service.generator[*].uri)
}

output "topic" {
  description = "Topic of the events."
  value       = google_pubsub_topic.events.id
}

output "subscription" {
  description = "Subscription that the pipeline reads."
  value       = google_pubsub_subscription.events.id
}

output "dead_letter_topic" {
  description = "Topic of what was never acked."
  value       = google_pubsub_topic.dead_letter.id
}

output "dead_letter_subscription" {
  description = "Subscription that keeps what was never acked."
  value       = google_pubsub_subscription.dead_letter.id
}

output "dataset" {
  description = "Dataset of the event tables."
  value       = google_bigquery_dataset.events.id
}

output "raw_events_bucket" {
  description = "Bucket of the pipeline's files."
  value       = google_storage_bucket.raw_events.url
}

output "template_bucket" {
  description = "Bucket that releases and the Dataflow job use."
  value       = google_storage_bucket.templates.url
}

output "dataflow_job" {
  description = "Name of the Dataflow job."
  value       = local.names.job
}

output "dataflow_job_id" {
  description = "Id of the running Dataflow job; null before the first release."
  value       = one(google_dataflow_flex_template_job.pipeline[*].job_id)
}

output "table_manager" {
  description = "Name of the function that makes the tables."
  value       = local.names.table_manager
}

output "registry" {
  description = "Where a release pushes its images."
  value       = local.registry_url
}

output "service_accounts" {
  description = "Address of each part's account."
  value       = { for part, account in google_service_account.parts : part => account.email }
}

output "workload_identity_provider" {
  description = "What the deploy workflow signs in with; null without github_repository."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}

output "deployers" {
  description = "Accounts that the deploy workflow takes on."
  value       = { for who, account in google_service_account.deployers : who => account.email }
}
