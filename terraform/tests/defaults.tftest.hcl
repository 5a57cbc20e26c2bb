# What somebody gets who says no more than the project.

variables {
  project_id = "test-project"
}

run "a_small_dev_set_up" {
  command = plan

  assert {
    condition     = var.environment == "dev" && var.region == "us-central1"
    error_message = "By default it is dev in us-central1."
  }
  assert {
    condition     = var.dataflow_num_workers == 1 && var.dataflow_max_workers == 2
    error_message = "By default the job is small."
  }
  assert {
    condition     = length(google_kms_crypto_key.data) + length(google_storage_bucket.raw_events_copy) == 0
    error_message = "Keys and copies cost, and are prod's."
  }
  assert {
    condition     = length(google_bigquery_table.tables) == 1
    error_message = "By default the function makes the event tables."
  }
  assert {
    condition     = length(google_monitoring_notification_channel.email) == 0
    error_message = "Dev may do without an address."
  }
  assert {
    condition     = output.event_generator_service_url == null && output.dataflow_job_id == null
    error_message = "Nothing runs before the first release."
  }
}

run "a_release" {
  command = plan
  variables {
    release = "1.2.3"
  }

  assert {
    condition     = google_cloud_run_v2_service.generator[0].template[0].containers[0].image == "us-central1-docker.pkg.dev/test-project/dev-realtime-pipeline/event-generator:1.2.3"
    error_message = "The generator has the release's image."
  }
  assert {
    condition     = google_dataflow_flex_template_job.pipeline[0].container_spec_gcs_path == "gs://test-project-dev-dataflow-templates/templates/pipeline-1.2.3.json"
    error_message = "The job has the release's template."
  }
  assert {
    condition     = google_dataflow_flex_template_job.pipeline[0].on_delete == "drain"
    error_message = "A job that ends is drained."
  }
  assert {
    condition     = google_cloudfunctions2_function.table_manager[0].event_trigger[0].retry_policy == "RETRY_POLICY_RETRY"
    error_message = "A table that can't be made now is tried again."
  }
  assert {
    condition     = google_pubsub_subscription.events.ack_deadline_seconds == 600 && google_pubsub_subscription.events.dead_letter_policy[0].max_delivery_attempts == 5
    error_message = "Dataflow's subscription waits long and gives up after 5."
  }
}

run "images_of_ones_own" {
  command = plan
  variables {
    pipeline_image    = "example.com/pipeline:x"
    pipeline_template = "gs://somewhere/pipeline.json"
  }

  assert {
    condition     = google_dataflow_flex_template_job.pipeline[0].sdk_container_image == "example.com/pipeline:x"
    error_message = "A named image comes before the release's."
  }
  assert {
    condition     = length(google_cloud_run_v2_service.generator) == 0
    error_message = "What has no image is not made."
  }
}

run "tables_of_terraform" {
  command = plan
  variables {
    manage_tables            = true
    require_partition_filter = true
  }

  assert {
    condition     = length(google_bigquery_table.tables) == length(local.event_types) + 1
    error_message = "Every event type has its table."
  }
  assert {
    condition     = google_bigquery_table.tables["order"].require_partition_filter && !google_bigquery_table.tables["dead_letter"].require_partition_filter
    error_message = "The filter is for event tables."
  }
}

run "a_zone_of_choice" {
  command = plan
  variables {
    release = "1.2.3"
    zone    = "us-central1-a"
  }

  assert {
    condition     = google_dataflow_flex_template_job.pipeline[0].parameters.worker_zone == "us-central1-a"
    error_message = "The workers go where they were told to."
  }
}
