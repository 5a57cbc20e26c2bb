# The options of pipeline/main.py that a launcher has no variables for.
locals {
  job_parameters = merge(
    {
      environment     = var.environment
      log_level       = var.log_level
      window_seconds  = tostring(var.window_seconds)
      schema_contract = var.schema_contract # the table manager's: whether a column is worth waiting for
      sink            = var.sink
      file_shards     = tostring(var.file_shards)
      at_least_once   = tostring(var.at_least_once)
    },
    var.zone == null ? {} : { worker_zone = var.zone },
    var.otlp_endpoint == null ? {} : { otel_exporter_otlp_endpoint = var.otlp_endpoint },
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
    # The provider reads these from the job's options by Java's names (numWorkers, maxNumWorkers,
    # workerMachineType, stagingLocation, tempLocation, sdkContainerImage). A Python job has others,
    # so what comes back is empty, and each apply would launch the job anew: resourceDataflowFlexTemplateJobRead
    # of terraform-provider-google-beta; magic-modules #14038, terraform-provider-google #21322. A new
    # job has them all: what is ignored is ignored of a job that stays.
    ignore_changes = [
      num_workers, max_workers, machine_type, staging_location, temp_location, sdk_container_image,
    ]
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

# All that a job is launched with. What changes here ends one job, drained, and starts the next, the
# number and the size of its workers too. Left to itself the provider would update the job in place, and
# launch that update with what it has read: no image, no places, no workers.
resource "terraform_data" "drained_for" {
  input = local.pipeline_image == null ? null : {
    image           = local.pipeline_image
    template        = local.pipeline_template
    parameters      = local.job_parameters
    labels          = local.labels
    machine_type    = var.dataflow_machine_type
    num_workers     = var.dataflow_num_workers
    max_workers     = var.dataflow_max_workers
    service_account = google_service_account.parts["pipeline"].email
    network         = google_compute_network.pipeline.name
    subnetwork      = google_compute_subnetwork.pipeline.name
    kms_key         = local.kms_key
  }
}
