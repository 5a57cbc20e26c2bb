resource "google_bigquery_dataset" "events" {
  project                    = local.project_id
  dataset_id                 = local.names.dataset
  location                   = var.region
  description                = "Events of the real-time pipeline, one table for each type."
  delete_contents_on_destroy = !local.protected

  dynamic "default_encryption_configuration" {
    for_each = local.kms_key[*]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
  depends_on = [google_kms_crypto_key_iam_member.agents]
}

# The views *_deduplicated are always the table manager's.
resource "google_bigquery_table" "tables" {
  for_each = merge(
    { dead_letter = local.dead_letter_table },
    { for name, table in local.event_types : name => table if var.manage_tables },
  )

  project                  = local.project_id
  dataset_id               = google_bigquery_dataset.events.dataset_id
  table_id                 = each.value.table_id
  description              = each.value.description
  schema                   = jsonencode(each.value.schema)
  clustering               = each.value.cluster_by
  require_partition_filter = var.require_partition_filter && each.key != "dead_letter"
  deletion_protection      = local.protected

  time_partitioning {
    type  = "DAY"
    field = each.value.partition_by
  }
  # A table has its dataset's key anyway, but unless it is said here, the next plan replaces the table.
  dynamic "encryption_configuration" {
    for_each = local.kms_key[*]
    content {
      kms_key_name = encryption_configuration.value
    }
  }
}

import {
  for_each = var.import_tables
  to       = google_bigquery_table.tables[each.key]
  id       = "projects/${var.project_id}/datasets/${local.names.dataset}/tables/${local.event_types[each.key].table_id}"
}
