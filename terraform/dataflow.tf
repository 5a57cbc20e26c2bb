# The options of pipeline/main.py that a launcher has no variables for.
locals {
  job_parameters = merge(
    {
      environment    = var.environment
      log_level      = var.log_level
      window_seconds = tostring(var.window_seconds)
    },
    var.zone == null ? {} : { worker_zone = var.zone },
  )
}

resource "google_dataflow_flex_template_job" "pipeline" {
  provider                = google-beta
  count                   = local.pipeline_image == null ? 0 : 1
  project                 = local.project_id
  region                  = var.region
  name                    = local.names.job
  container_spec_gcs_path = local.pipeline_template
  sdk_container_image     = local.pipeline_image
  parameters              = local.job_parameters

  machine_type            = var.dataflow_machine_type
  num_workers             = var.dataflow_num_workers
  max_workers             = var.dataflow_max_workers
  autoscaling_algorithm   = "THROUGHPUT_BASED"
  enable_streaming_engine = true # state outlives its worker, and an update in place needs it

  service_account_email = google_service_account.parts["pipeline"].email
  network               = google_compute_network.pipeline.name
  subnetwork            = "regions/${var.region}/subnetworks/${google_compute_subnetwork.pipeline.name}"
  ip_configuration      = "WORKER_IP_PRIVATE"
  kms_key_name          = local.kms_key
  staging_location      = "gs://${google_storage_bucket.templates.name}/staging"
  temp_location         = "gs://${google_storage_bucket.templates.name}/temp"

  # Nothing taken from the subscription is dropped: whatever ends the job drains it, and a new one
  # by the same name waits for that.
  on_delete                    = "drain"
  skip_wait_on_job_termination = false

  lifecycle {
    replace_triggered_by = [terraform_data.drained_for]
    precondition {
      condition     = local.pipeline_template != null
      error_message = "pipeline_image needs release or pipeline_template beside it."
    }
  }
  depends_on = [
    google_artifact_registry_repository_iam_member.parts,
    google_bigquery_dataset_iam_member.parts,
    google_bigquery_table.tables,
    google_kms_crypto_key_iam_member.agents,
    google_project_iam_member.parts,
    google_pubsub_subscription_iam_member.parts,
    google_service_account_iam_member.launcher,
    google_storage_bucket_iam_member.parts,
  ]
}

# By itself the provider updates a streaming job in place. What changes here makes it end one job,
# drained, and start the next.
resource "terraform_data" "drained_for" {
  input = var.dataflow_update == "drain" ? {
    image      = local.pipeline_image
    template   = local.pipeline_template
    parameters = local.job_parameters
  } : null
}
