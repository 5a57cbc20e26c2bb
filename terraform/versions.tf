terraform {
  required_version = ">= 1.9, < 2"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.40, < 9"
    }
    # Only here are the Flex Template job and the service agents.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.40, < 9"
    }
  }

  # Whose bucket it is stands in the call:
  # terraform init -backend-config=bucket=BUCKET -backend-config=prefix=realtime-pipeline/ENVIRONMENT
  backend "gcs" {}
}

# Credentials come from outside: a workload identity, `gcloud auth application-default login`, or,
# for those who have only that, a key named by GOOGLE_APPLICATION_CREDENTIALS. No key is made here,
# because it would stand in the state.
provider "google" {
  project        = var.project_id
  region         = var.region
  zone           = var.zone
  default_labels = local.labels
}

provider "google-beta" {
  project        = var.project_id
  region         = var.region
  zone           = var.zone
  default_labels = local.labels
}
