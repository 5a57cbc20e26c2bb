# One account for each part, and all that it may do. A role is granted on the one resource it is
# for; on the project only where there is no such resource.
locals {
  parts = merge(
    {
      generator     = "Publishes events."
      table-manager = "Makes and evolves tables."
      trigger       = "Calls the table manager for Eventarc."
      build         = "Builds the table manager's image."
      pipeline      = "Launches the Dataflow job and works for it."
    },
    local.here.copied ? { copy = "Copies the dataset to another region." } : {},
  )

  trace_roles = local.cloud_trace ? ["roles/telemetry.tracesWriter"] : []
  project_roles = merge(
    {
      generator     = local.trace_roles
      table-manager = local.trace_roles
      trigger       = ["roles/eventarc.eventReceiver"]
      build         = ["roles/logging.logWriter"]
      # A template's launcher creates the job as the workers' account.
      pipeline = concat(["roles/dataflow.developer", "roles/dataflow.worker"], local.trace_roles)
    },
    local.here.copied ? { copy = ["roles/bigquery.jobUser"] } : {},
  )
  # Editors, not owners: nobody here changes who may see the dataset.
  dataset_roles = {
    table-manager = "roles/bigquery.dataEditor"
    pipeline      = "roles/bigquery.dataEditor"
  }
  registry_roles = {
    build          = ["build", google_artifact_registry_repository.images.name, "roles/artifactregistry.writer"]
    build_function = ["build", google_artifact_registry_repository.functions.name, "roles/artifactregistry.writer"]
    pipeline       = ["pipeline", google_artifact_registry_repository.images.name, "roles/artifactregistry.reader"]
  }
  bucket_roles = {
    # To store an object where there may be one already, one has to be allowed to replace it, though
    # the pipeline asks for a name that is free.
    pipeline_raw_events = ["pipeline", google_storage_bucket.raw_events.name, "roles/storage.objectUser"]
    pipeline_templates  = ["pipeline", google_storage_bucket.templates.name, "roles/storage.objectUser"]
    build_templates     = ["build", google_storage_bucket.templates.name, "roles/storage.objectViewer"]
  }
}

resource "google_service_account" "parts" {
  for_each    = local.parts
  project     = local.project_id
  account_id  = "${var.environment}-${each.key}"
  description = each.value
}

resource "google_project_iam_member" "parts" {
  for_each = merge([
    for part, roles in local.project_roles : { for role in roles : "${part} ${role}" => [part, role] }
  ]...)
  project = local.project_id
  member  = google_service_account.parts[each.value[0]].member
  role    = each.value[1]
}

# Cloud Functions copies a function's source into a bucket of its own, which it makes with the first
# function of a region: until then there is none to grant on, so the grant is the project's, and bound
# to the bucket's name. Without it the build says "Access to bucket gcf-v2-sources-... denied. You must
# grant Storage Object Viewer" (terraform-provider-google #20571).
resource "google_project_iam_member" "function_sources" {
  project = local.project_id
  member  = google_service_account.parts["build"].member
  role    = "roles/storage.objectViewer"

  condition {
    title      = "only the sources of Cloud Functions"
    expression = "resource.name.startsWith('projects/_/buckets/gcf-v2-sources-${data.google_project.here.number}-${var.region}')"
  }
}

resource "google_pubsub_topic_iam_member" "generator" {
  project = local.project_id
  topic   = google_pubsub_topic.events.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.parts["generator"].member
}

resource "google_pubsub_topic_iam_member" "pipeline" {
  project = local.project_id
  topic   = google_pubsub_topic.table_requests.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.parts["pipeline"].member
}

# Dataflow looks at its subscription before it reads.
resource "google_pubsub_subscription_iam_member" "parts" {
  for_each     = toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"])
  project      = local.project_id
  subscription = google_pubsub_subscription.events.name
  role         = each.key
  member       = google_service_account.parts["pipeline"].member
}

resource "google_bigquery_dataset_iam_member" "parts" {
  for_each   = local.dataset_roles
  project    = local.project_id
  dataset_id = google_bigquery_dataset.events.dataset_id
  role       = each.value
  member     = google_service_account.parts[each.key].member
}

resource "google_artifact_registry_repository_iam_member" "parts" {
  for_each   = local.registry_roles
  project    = local.project_id
  location   = var.region
  member     = google_service_account.parts[each.value[0]].member
  repository = each.value[1]
  role       = each.value[2]
}

resource "google_storage_bucket_iam_member" "parts" {
  for_each = local.bucket_roles
  member   = google_service_account.parts[each.value[0]].member
  bucket   = each.value[1]
  role     = each.value[2]
}

# The launcher runs as this account and starts workers as this account.
resource "google_service_account_iam_member" "launcher" {
  service_account_id = google_service_account.parts["pipeline"].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.parts["pipeline"].member
}
