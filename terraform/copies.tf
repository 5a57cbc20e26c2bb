# What prod has a second time in copy_region, to survive the loss of a region or a mistake: an hour
# of files and a day of rows may be missing from it.
locals {
  copies = local.here.copied ? 1 : 0
}

resource "google_storage_bucket" "raw_events_copy" {
  count                       = local.copies
  project                     = local.project_id
  name                        = "${local.names.bucket}-copy"
  location                    = var.copy_region
  storage_class               = "NEARLINE"
  force_destroy               = !local.protected
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }
  dynamic "encryption" {
    for_each = local.copy_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }
  depends_on = [google_kms_crypto_key_iam_member.agents]
}

data "google_storage_transfer_project_service_account" "agent" {
  count      = local.copies
  project    = var.project_id
  depends_on = [google_project_service.apis]
}

resource "google_storage_bucket_iam_member" "transfer" {
  for_each = local.here.copied ? {
    source_bucket  = [google_storage_bucket.raw_events.name, "roles/storage.legacyBucketReader"]
    source_objects = [google_storage_bucket.raw_events.name, "roles/storage.objectViewer"]
    sink_bucket    = [google_storage_bucket.raw_events_copy[0].name, "roles/storage.legacyBucketWriter"]
    sink_objects   = [google_storage_bucket.raw_events_copy[0].name, "roles/storage.objectUser"]
  } : {}
  bucket = each.value[0]
  role   = each.value[1]
  member = data.google_storage_transfer_project_service_account.agent[0].member
}

resource "google_storage_transfer_job" "raw_events" {
  count       = local.copies
  project     = local.project_id
  description = "Copies ${local.names.bucket} to ${var.copy_region}."

  transfer_spec {
    gcs_data_source {
      bucket_name = google_storage_bucket.raw_events.name
    }
    gcs_data_sink {
      bucket_name = google_storage_bucket.raw_events_copy[0].name
    }
    transfer_options {
      delete_objects_unique_in_sink = false # what is deleted by mistake is still there
      overwrite_when                = "DIFFERENT"
    }
  }
  schedule {
    repeat_interval = "3600s"
    # Any day that is past: the job starts with its creation.
    schedule_start_date {
      year  = 2025
      month = 1
      day   = 1
    }
  }
  depends_on = [google_storage_bucket_iam_member.transfer]
}

resource "google_bigquery_dataset" "events_copy" {
  count                      = local.copies
  project                    = local.project_id
  dataset_id                 = "${local.names.dataset}_copy"
  location                   = var.copy_region
  description                = "Daily copy of ${local.names.dataset}."
  delete_contents_on_destroy = !local.protected

  dynamic "default_encryption_configuration" {
    for_each = local.copy_key[*]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
  depends_on = [google_kms_crypto_key_iam_member.agents]
}

resource "google_bigquery_data_transfer_config" "events" {
  count                  = local.copies
  project                = local.project_id
  location               = var.copy_region
  display_name           = "Copy of ${local.names.dataset}"
  data_source_id         = "cross_region_copy"
  schedule               = "every 24 hours"
  destination_dataset_id = google_bigquery_dataset.events_copy[0].dataset_id
  service_account_name   = google_service_account.parts["copy"].email
  params = {
    source_project_id           = var.project_id
    source_dataset_id           = google_bigquery_dataset.events.dataset_id
    overwrite_destination_table = "true"
  }
  dynamic "encryption_configuration" {
    for_each = local.copy_key[*]
    content {
      kms_key_name = encryption_configuration.value
    }
  }
  email_preferences {
    enable_failure_email = true
  }
  depends_on = [
    google_bigquery_dataset_iam_member.copy,
    google_project_iam_member.parts,
    google_service_account_iam_member.transfer,
  ]
}

resource "google_bigquery_dataset_iam_member" "copy" {
  for_each = local.here.copied ? {
    (google_bigquery_dataset.events.dataset_id)         = "roles/bigquery.dataViewer"
    (google_bigquery_dataset.events_copy[0].dataset_id) = "roles/bigquery.dataOwner"
  } : {}
  project    = local.project_id
  dataset_id = each.key
  role       = each.value
  member     = google_service_account.parts["copy"].member
}

# BigQuery's transfer service acts as the copy's account.
resource "google_service_account_iam_member" "transfer" {
  count              = local.copies
  service_account_id = google_service_account.parts["copy"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_project_service_identity.agents["bigquerydatatransfer"].member
}
