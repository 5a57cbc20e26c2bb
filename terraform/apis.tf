locals {
  # scripts/bootstrap.sh switches all of them on before the first plan; here they are whose they are.
  apis = setunion(
    [
      "artifactregistry", "bigquery", "bigquerystorage", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "compute",
      "dataflow", "eventarc", "iam", "iamcredentials", "logging", "monitoring", "pubsub", "run",
      "serviceusage", "storage", "sts",
    ],
    local.here.encrypted ? ["cloudkms"] : [],
    local.here.copied ? ["bigquerydatatransfer", "storagetransfer"] : [],
    local.cloud_trace ? ["cloudtrace", "telemetry"] : [],
  )

  # Not var.project_id: whatever takes the project from here waits until its services are on.
  project_id = values(google_project_service.apis)[0].project

  # The role by which Google's own account acts for its service in this project. It is granted when
  # a service is first used, minutes after it is needed here; so it is granted before, as Google's
  # list "Service agents" has it.
  agent_roles = merge(
    {
      artifactregistry = "roles/artifactregistry.serviceAgent"
      cloudbuild       = "roles/cloudbuild.serviceAgent"
      cloudfunctions   = "roles/cloudfunctions.serviceAgent"
      dataflow         = "roles/dataflow.serviceAgent"
      eventarc         = "roles/eventarc.serviceAgent"
      pubsub           = "roles/pubsub.serviceAgent"
      run              = "roles/run.serviceAgent"
    },
    local.here.copied ? { bigquerydatatransfer = "roles/bigquerydatatransfer.serviceAgent" } : {},
  )
}

resource "google_project_service" "apis" {
  for_each           = local.apis
  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # another environment, or somebody else, may need it
}

# A data source whose arguments are known is read by the plan, before anything is switched on, unless
# it says what it depends on.
data "google_project" "here" {
  project_id = var.project_id
  depends_on = [google_project_service.apis]
}

# Google's own accounts, which act for a service. They come into being only when first needed, and
# can't be granted anything before.
resource "google_project_service_identity" "agents" {
  provider = google-beta
  for_each = local.agent_roles
  project  = local.project_id
  service  = "${each.key}.googleapis.com"
}

# Eventarc refuses a trigger whose agent lacks its role, and a grant takes minutes to be known. All
# environments have these in the first apply, which has no trigger yet (terraform-provider-google
# #25294, #14584).
resource "google_project_iam_member" "agents" {
  for_each = local.agent_roles
  project  = local.project_id
  member   = google_project_service_identity.agents[each.key].member
  role     = each.value
}
