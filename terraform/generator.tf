resource "google_cloud_run_v2_service" "generator" {
  count               = local.generator_image == null ? 0 : 1
  project             = local.project_id
  location            = var.region
  name                = local.names.generator
  ingress             = local.here.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = local.protected
  depends_on          = [google_kms_crypto_key_iam_member.agents]

  template {
    service_account = google_service_account.parts["generator"].email
    encryption_key  = local.kms_key

    # A task lives in its instance's memory: a second instance would not know of it.
    scaling {
      min_instance_count = local.here.min_instances
      max_instance_count = 1
    }
    containers {
      image = local.generator_image
      resources {
        limits   = { cpu = "1", memory = "512Mi" }
        cpu_idle = false # tasks publish between requests
      }
      dynamic "env" {
        for_each = merge(local.traces, local.sampling, {
          PROJECT_ID  = var.project_id
          ENVIRONMENT = var.environment
          REGION      = var.region
          LOG_LEVEL   = var.log_level
          ALLOW_HOST  = "*" # IAM asks who is there; on a laptop the service's own guard does
        })
        content {
          name  = env.key
          value = env.value
        }
      }
      startup_probe {
        period_seconds    = 3
        failure_threshold = 20
        http_get {
          path = "/readiness"
        }
      }
      liveness_probe {
        http_get {
          path = "/liveness"
        }
      }
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "generator_invokers" {
  for_each = local.generator_image == null ? [] : var.generator_invokers
  project  = local.project_id
  location = var.region
  name     = google_cloud_run_v2_service.generator[0].name
  role     = "roles/run.invoker"
  member   = each.key
}
