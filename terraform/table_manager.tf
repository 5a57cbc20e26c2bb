resource "google_cloudfunctions2_function" "table_manager" {
  count        = local.table_manager_source == null ? 0 : 1
  project      = local.project_id
  location     = var.region
  name         = local.names.table_manager
  description  = "Makes the BigQuery table of an event type when the pipeline asks for it."
  kms_key_name = local.kms_key

  build_config {
    runtime           = "python311"
    entry_point       = "manage_table"
    docker_repository = google_artifact_registry_repository.functions.id
    service_account   = google_service_account.parts["build"].id
    source {
      storage_source {
        bucket = google_storage_bucket.templates.name
        object = local.table_manager_source
      }
    }
  }
  service_config {
    service_account_email            = google_service_account.parts["table-manager"].email
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    available_memory                 = "512Mi"
    available_cpu                    = "1"
    timeout_seconds                  = 60
    max_instance_count               = 3
    max_instance_request_concurrency = 80 # it waits for BigQuery, and for nothing else
    all_traffic_on_latest_revision   = true
    environment_variables = merge(local.traces, {
      PROJECT_ID      = var.project_id
      ENVIRONMENT     = var.environment
      REGION          = var.region
      LOG_LEVEL       = var.log_level
      SCHEMA_CONTRACT = var.schema_contract
      ALLOW_HOST      = "*" # IAM asks who is there; on a laptop the function's own guard does
    })
  }
  # Eventarc's subscription tries again for a day. It has no dead letter and needs none, because a
  # request is a hint: the pipeline has the event, and asks again.
  event_trigger {
    trigger_region        = var.region
    event_type            = "google.cloud.pubsub.topic.v1.messagePublished"
    pubsub_topic          = google_pubsub_topic.table_requests.id
    retry_policy          = "RETRY_POLICY_RETRY"
    service_account_email = google_service_account.parts["trigger"].email
  }
  # It must be able to build, to be called and to make tables before its first event comes.
  depends_on = [
    google_artifact_registry_repository_iam_member.parts,
    google_bigquery_dataset_iam_member.parts,
    google_kms_crypto_key_iam_member.agents,
    google_project_iam_member.agents,
    google_project_iam_member.function_sources,
    google_project_iam_member.parts,
    google_storage_bucket_iam_member.parts,
  ]
}

# A function of the second generation is a Cloud Run service of the same name.
resource "google_cloud_run_v2_service_iam_member" "table_manager_trigger" {
  count    = length(google_cloudfunctions2_function.table_manager)
  project  = local.project_id
  location = var.region
  name     = google_cloudfunctions2_function.table_manager[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.parts["trigger"].member
}
