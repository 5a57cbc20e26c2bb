# The same in every environment: it costs nothing, and a project may have no default network.
resource "google_compute_network" "pipeline" {
  project                 = local.project_id
  name                    = "${var.environment}-realtime-pipeline"
  auto_create_subnetworks = false
}

# The image holds all that a worker needs, so Google's own services are all it has to reach: there is
# no NAT, and no way in or out otherwise.
resource "google_compute_subnetwork" "pipeline" {
  project                  = local.project_id
  region                   = var.region
  name                     = "${var.environment}-realtime-pipeline"
  network                  = google_compute_network.pipeline.id
  ip_cidr_range            = "10.0.0.0/20"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
  }
}

# Between workers alone; Dataflow warns of a network without.
resource "google_compute_firewall" "workers" {
  project     = local.project_id
  name        = "${var.environment}-dataflow-workers"
  network     = google_compute_network.pipeline.id
  direction   = "INGRESS"
  source_tags = ["dataflow"]
  target_tags = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}
