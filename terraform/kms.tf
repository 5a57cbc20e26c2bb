# A key of ours in each region that holds data of prod; null elsewhere, which leaves it to Google.
locals {
  key_regions = local.here.encrypted ? toset([var.region, var.copy_region]) : []
  kms_key     = local.here.encrypted ? google_kms_crypto_key.data[var.region].id : null
  copy_key    = local.here.encrypted ? google_kms_crypto_key.data[var.copy_region].id : null

  key_agents = [
    "artifactregistry", "bigquerydatatransfer", "cloudfunctions", "dataflow", "eventarc", "pubsub", "run",
  ]
  # Those of Google's accounts that read and write for us.
  key_users = local.here.encrypted ? merge(
    { for name in local.key_agents : name => google_project_service_identity.agents[name].member },
    {
      bigquery = data.google_bigquery_default_service_account.agent.member
      storage  = data.google_storage_project_service_account.agent.member
      compute  = "serviceAccount:service-${data.google_project.here.number}@compute-system.iam.gserviceaccount.com"
    },
  ) : {}
}

data "google_bigquery_default_service_account" "agent" {
  project    = var.project_id
  depends_on = [google_project_service.apis]
}

data "google_storage_project_service_account" "agent" {
  project    = var.project_id
  depends_on = [google_project_service.apis]
}

# Google never deletes a key ring or a key, so after a destroy they are taken over: var.adopt, for which
# scripts/restore.sh brings back what can be. Destroy schedules the end of a key's versions, and with
# them of all data under it; until destroy_scheduled_duration is over they can be restored.
resource "google_kms_key_ring" "data" {
  for_each = local.key_regions
  project  = local.project_id
  location = each.key
  name     = "${var.environment}-realtime-pipeline"
}

resource "google_kms_crypto_key" "data" {
  for_each                   = local.key_regions
  key_ring                   = google_kms_key_ring.data[each.key].id
  name                       = "data"
  rotation_period            = "7776000s" # 90 days
  destroy_scheduled_duration = "2592000s" # 30 days
}

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each = merge([
    for region in local.key_regions : { for name in keys(local.key_users) : "${region} ${name}" => [region, name] }
  ]...)
  crypto_key_id = google_kms_crypto_key.data[each.value[0]].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = local.key_users[each.value[1]]
}
