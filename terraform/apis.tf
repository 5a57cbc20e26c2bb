locals {
  apis = setunion(
    [
      "artifactregistry", "bigquery", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "compute",
      "dataflow", "eventarc", "iam", "iamcredentials", "logging", "monitoring", "pubsub", "run",
      "storage", "sts",
    ],
    local.here.encrypted ? ["cloudkms"] : [],
    local.here.copied ? ["bigquerydatatransfer", "storagetransfer"] : [],
  )

  # Not var.project_id: whatever takes the project from here waits until its services are on.
  project_id = values(google_project_service.apis)[0].project
}

resource "google_project_service" "apis" {
  for_each           = local.apis
  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # another environment, or somebody else, may need it
}

data "google_project" "here" {
  project_id = var.project_id
}

# Google's own accounts, which act for a service. They come into being only when first needed, and
# can't be granted anything before.
resource "google_project_service_identity" "agents" {
  provider = google-beta
  for_each = toset(concat(
    ["pubsub"],
    local.here.encrypted ? ["artifactregistry", "cloudfunctions", "dataflow", "eventarc", "run"] : [],
    local.here.copied ? ["bigquerydatatransfer"] : [],
  ))
  project = local.project_id
  service = "${each.key}.googleapis.com"
}
