# The rules stand in monitoring/alerts.json, where the local stack's check reads them too.
locals {
  alerts = jsondecode(templatefile("${path.module}/monitoring/alerts.json", local.names))
}

resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == "" ? 0 : 1
  project      = local.project_id
  display_name = "Real-time pipeline, ${var.environment}"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

# Failed jobs are no metric of BigQuery's, but each leaves a line in the audit log.
resource "google_logging_metric" "failed_jobs" {
  project     = local.project_id
  name        = local.names.failed_jobs_metric
  description = "BigQuery jobs that ended with an error and touched the dataset."
  filter      = <<-EOT
    resource.type="bigquery_project"
    protoPayload.metadata.jobChange.job.jobStatus.jobState="DONE"
    protoPayload.metadata.jobChange.job.jobStatus.errorResult:*
    "${local.names.dataset}"
  EOT
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "rules" {
  for_each              = local.alerts
  project               = local.project_id
  display_name          = "${var.environment}: ${each.value.title}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = google_monitoring_notification_channel.email[*].name

  conditions {
    display_name = each.value.title

    dynamic "condition_threshold" {
      for_each = contains(keys(each.value), "query") ? [] : [each.value]
      iterator = rule
      content {
        filter = join(" AND ", concat(
          ["metric.type = \"${rule.value.metric}\"", "resource.type = \"${rule.value.resource}\""],
          [for label, value in rule.value.labels : "${label} = \"${value}\""],
        ))
        comparison      = "COMPARISON_GT"
        threshold_value = rule.value.above
        duration        = "${rule.value.for_seconds}s"
        aggregations {
          alignment_period     = "60s"
          per_series_aligner   = rule.value.aligner
          cross_series_reducer = rule.value.reducer
        }
      }
    }
    # A counter's growth, which a threshold can't ask for; and a metric that this apply makes, which a
    # threshold refuses for up to ten minutes: "Cannot find metric(s)" (terraform-provider-google
    # #11102). A query need not find its metric, if it says so.
    dynamic "condition_prometheus_query_language" {
      for_each = contains(keys(each.value), "query") ? [each.value] : []
      iterator = rule
      content {
        query    = rule.value.query
        duration = "${rule.value.for_seconds}s"

        disable_metric_validation = true
      }
    }
  }
  alert_strategy {
    auto_close = "86400s"
  }
  documentation {
    subject   = "${var.environment}: ${each.value.title}"
    content   = each.value.what_to_do
    mime_type = "text/markdown"
  }
  depends_on = [google_logging_metric.failed_jobs]
}

resource "google_monitoring_dashboard" "pipeline" {
  project        = local.project_id
  dashboard_json = templatefile("${path.module}/monitoring/dashboard.json", merge(local.names, { environment = var.environment }))
}
