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
  # An immutable tag can't be taken off its image, and no policy deletes an image that has one: what a
  # policy can delete here is the leftovers of pushes. A running job pulls its image whenever it gets
  # a worker, so releases stay.
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "604800s"
    }
  }
}

# Each build of the function pushes its image and its cache again under the tags of the build before,
# which a repository of immutable tags refuses.
resource "google_artifact_registry_repository" "functions" {
  project       = local.project_id
  location      = var.region
  repository_id = local.names.function_registry
  format        = "DOCKER"
  description   = "Builds of the table manager, by Cloud Functions."
  kms_key_name  = local.kms_key
  depends_on    = [google_kms_crypto_key_iam_member.agents]

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "2592000s"
    }
  }
}
