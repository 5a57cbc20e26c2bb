resource "google_storage_bucket" "raw_events" {
  project                     = local.project_id
  name                        = local.names.bucket
  location                    = var.region
  force_destroy               = !local.protected
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }
  # The pipeline never rewrites an object, so only mistakes make old versions.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 30
    }
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }
  }
  dynamic "lifecycle_rule" {
    for_each = local.here.kept_days[*]
    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }
  dynamic "encryption" {
    for_each = local.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }
  depends_on = [google_kms_crypto_key_iam_member.agents]
}

# What releases push, and the job's staging and temporary files. No rule deletes by age: a streaming
# job needs its staged files for as long as it runs.
resource "google_storage_bucket" "templates" {
  project                     = local.project_id
  name                        = local.names.template_bucket
  location                    = var.region
  force_destroy               = true # all of it can be built again
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }
  dynamic "encryption" {
    for_each = local.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }
  depends_on = [google_kms_crypto_key_iam_member.agents]
}
