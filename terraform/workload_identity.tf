# GitHub's workflows come in without a key. Two accounts: a pull request may only look and plan; what
# changes anything runs in the GitHub environment of this environment's name, behind its reviewers.
# Whoever has nothing but keys makes one for the deployer and gives it to the workflow as a secret.
locals {
  deployers = {
    deployer = "Deploys from GitHub."
    planner  = "Plans from GitHub; reads only."
  }
  deployer_roles = {
    deployer = [
      "roles/artifactregistry.admin", "roles/bigquery.admin", "roles/cloudbuild.builds.editor",
      "roles/cloudfunctions.admin", "roles/cloudkms.admin", "roles/compute.networkAdmin",
      "roles/compute.securityAdmin", "roles/dataflow.admin", "roles/eventarc.admin",
      "roles/iam.roleAdmin", "roles/iam.serviceAccountAdmin", "roles/iam.workloadIdentityPoolAdmin",
      "roles/logging.configWriter",
      "roles/monitoring.editor", "roles/pubsub.admin", "roles/run.admin",
      "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin", "roles/storagetransfer.admin",
    ]
    planner = [
      "roles/artifactregistry.reader", "roles/bigquery.metadataViewer", "roles/browser",
      "roles/cloudfunctions.viewer", "roles/cloudkms.viewer", "roles/compute.networkViewer",
      "roles/dataflow.viewer", "roles/iam.securityReviewer", "roles/iam.serviceAccountViewer",
      "roles/iam.workloadIdentityPoolViewer", "roles/logging.viewer", "roles/monitoring.viewer", "roles/pubsub.viewer", "roles/run.viewer",
      "roles/serviceusage.serviceUsageViewer", "roles/storagetransfer.viewer",
      "projects/${var.project_id}/roles/${local.planner_role}",
    ]
  }
  planner_role = "${var.environment}_planner"

  # All that is granted on the project here, and so all that the deployer may grant.
  granted_roles = sort(distinct(flatten([
    values(local.project_roles), values(local.agent_roles), values(local.deployer_roles), "roles/storage.objectViewer",
  ])))
}

resource "google_service_account" "deployers" {
  for_each    = local.deployers
  project     = local.project_id
  account_id  = "${var.environment}-${each.key}"
  description = each.value
}

# To refresh a state one has to read these, and no role that only reads has them.
resource "google_project_iam_custom_role" "planner" {
  project     = local.project_id
  role_id     = local.planner_role
  title       = "Planner of ${var.environment}"
  permissions = ["bigquery.transfers.get", "storage.buckets.get"]
}

resource "google_project_iam_member" "deployers" {
  for_each = merge([
    for who, roles in local.deployer_roles : { for role in roles : "${who} ${role}" => [who, role] }
  ]...)
  project    = local.project_id
  member     = google_service_account.deployers[each.value[0]].member
  role       = each.value[1]
  depends_on = [google_project_iam_custom_role.planner]
}

# Without the condition, whoever deploys could make itself the owner.
resource "google_project_iam_member" "deployer_grants" {
  project = local.project_id
  member  = google_service_account.deployers["deployer"].member
  role    = "roles/resourcemanager.projectIamAdmin"

  condition {
    title      = "only the roles that this configuration grants"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(${jsonencode(local.granted_roles)})"
  }
}

# To deploy a part as its account one has to be allowed to act as it.
resource "google_service_account_iam_member" "deployer_acts_as" {
  for_each           = google_service_account.parts
  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployers["deployer"].member
}

resource "google_iam_workload_identity_pool" "github" {
  count                     = length(var.github_repository[*])
  project                   = local.project_id
  workload_identity_pool_id = "${var.environment}-github"
  description               = "Workflows of ${var.github_repository}."
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = length(var.github_repository[*])
  project                            = local.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_condition                = "assertion.repository == '${var.github_repository}'"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github" {
  for_each = var.github_repository == null ? {} : {
    deployer = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/subject/repo:${var.github_repository}:environment:${var.environment}"
    planner  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.repository/${var.github_repository}"
  }
  service_account_id = google_service_account.deployers[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = each.value
}
