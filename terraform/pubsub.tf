resource "google_pubsub_topic" "events" {
  project      = local.project_id
  name         = local.names.topic
  kms_key_name = local.kms_key
  depends_on   = [google_kms_crypto_key_iam_member.agents]

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_subscription" "events" {
  project                    = local.project_id
  name                       = local.names.subscription
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = var.ack_deadline_seconds
  message_retention_duration = "604800s" # as long as the pipeline's files wait for a redelivery

  expiration_policy {
    ttl = "" # never, however long the job stands still
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "300s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = var.max_delivery_attempts
  }
}

# Events whose table is missing or lacks a column: what triggers the table manager. Eventarc makes
# the subscription behind it.
resource "google_pubsub_topic" "table_requests" {
  project      = local.project_id
  name         = local.names.table_requests_topic
  kms_key_name = local.kms_key
  depends_on   = [google_kms_crypto_key_iam_member.agents]

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic" "dead_letter" {
  project      = local.project_id
  name         = local.names.dead_letter_topic
  kms_key_name = local.kms_key
  depends_on   = [google_kms_crypto_key_iam_member.agents]

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

# Nobody reads it but people: it keeps what arrives until somebody looks, and the alert counts it.
resource "google_pubsub_subscription" "dead_letter" {
  project                    = local.project_id
  name                       = local.names.dead_letter_subscription
  topic                      = google_pubsub_topic.dead_letter.id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the most there is

  expiration_policy {
    ttl = ""
  }
}

# It is Pub/Sub itself that moves a message to the dead letter.
resource "google_pubsub_topic_iam_member" "dead_letter" {
  project = local.project_id
  topic   = google_pubsub_topic.dead_letter.name
  role    = "roles/pubsub.publisher"
  member  = google_project_service_identity.agents["pubsub"].member
}

resource "google_pubsub_subscription_iam_member" "dead_letter" {
  project      = local.project_id
  subscription = google_pubsub_subscription.events.name
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.agents["pubsub"].member
}
