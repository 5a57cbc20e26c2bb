resource "google_artifact_registry_repository" "images" {
  project       = local.project_id
  location      = var.region
  repository_id = local.names.registry
  format        = "DOCKER"
  description   = "Images of the real-time pipeline."
  kms_key_name  = local.kms_key
  depends_on    = [google_kms_crypto_key_iam_member.agents]

  docker_config {
    immutable_tags = true # a release is what it was when it was tested
  }
  # A running job pulls its image whenever it gets a worker, so the last ones stay however old.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
}
