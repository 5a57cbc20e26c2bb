# What outlives a destroy and is taken over by the next apply; see var.adopt.
import {
  for_each = var.adopt.keys ? local.key_regions : []
  to       = google_kms_key_ring.data[each.key]
  id       = "projects/${var.project_id}/locations/${each.key}/keyRings/${local.names.registry}"
}

import {
  for_each = var.adopt.keys ? local.key_regions : []
  to       = google_kms_crypto_key.data[each.key]
  id       = "projects/${var.project_id}/locations/${each.key}/keyRings/${local.names.registry}/cryptoKeys/data"
}

import {
  for_each = var.adopt.github ? toset(["github"]) : []
  to       = google_iam_workload_identity_pool.github[0]
  id       = "projects/${var.project_id}/locations/global/workloadIdentityPools/${var.environment}-github"
}

import {
  for_each = var.adopt.github ? toset(["github"]) : []
  to       = google_iam_workload_identity_pool_provider.github[0]
  id       = "projects/${var.project_id}/locations/global/workloadIdentityPools/${var.environment}-github/providers/github"
}

# The planner's custom role needs nothing: the provider brings a deleted one back by itself.
