locals {
  # The names of record, as settings.py derives them.
  names = {
    topic                    = "${var.environment}-backend-events-topic"
    subscription             = "${var.environment}-backend-events-subscription"
    dead_letter_topic        = "${var.environment}-backend-events-dead-letter"
    dead_letter_subscription = "${var.environment}-backend-events-dead-letter-subscription"
    table_requests_topic     = "${var.environment}-table-requests-topic"
    generator                = "${var.environment}-event-generator"
    table_manager            = "${var.environment}-bigquery-table-manager"
    job                      = "${var.environment}-realtime-data-pipeline"
    dataset                  = "${var.environment}_events_dataset"
    bucket                   = "${var.project_id}-${var.environment}-raw-events"
    template_bucket          = "${var.project_id}-${var.environment}-dataflow-templates"
    registry                 = "${var.environment}-realtime-pipeline"
    function_registry        = "${var.environment}-table-manager"
    failed_jobs_metric       = "${var.environment}_bigquery_failed_jobs" # PromQL knows no hyphen
  }

  # What sets the environments apart; how large their workers are is in environments/*.tfvars.
  by_environment = {
    dev = {
      protected     = false # destroy takes the data along
      encrypted     = false # by keys of ours
      copied        = false # to another region
      public        = true  # the generator's URL, for those who may call it
      min_instances = 0
      kept_days     = 30 # of raw events
    }
    staging = {
      protected     = false
      encrypted     = false
      copied        = false
      public        = true
      min_instances = 0
      kept_days     = 90
    }
    prod = {
      protected     = true
      encrypted     = true
      copied        = true
      public        = false
      min_instances = 1
      kept_days     = null
    }
  }
  here      = local.by_environment[var.environment]
  protected = coalesce(var.deletion_protection, local.here.protected)

  labels = {
    app         = "realtime-pipeline"
    environment = var.environment
    managed_by  = "terraform"
  }

  # What a release pushed under its tag; null before the first one.
  registry_url = "${var.region}-docker.pkg.dev/${var.project_id}/${local.names.registry}"
  pushed = var.release == null ? {} : {
    generator_image      = "${local.registry_url}/event-generator:${var.release}"
    pipeline_image       = "${local.registry_url}/pipeline:${var.release}"
    pipeline_template    = "gs://${local.names.template_bucket}/templates/pipeline-${var.release}.json"
    table_manager_source = "functions/table-manager-${var.release}.zip"
  }
  generator_image      = var.generator_image != null ? var.generator_image : lookup(local.pushed, "generator_image", null)
  pipeline_image       = var.pipeline_image != null ? var.pipeline_image : lookup(local.pushed, "pipeline_image", null)
  pipeline_template    = var.pipeline_template != null ? var.pipeline_template : lookup(local.pushed, "pipeline_template", null)
  table_manager_source = var.table_manager_source != null ? var.table_manager_source : lookup(local.pushed, "table_manager_source", null)

  # event_types/render.py writes these files, the one place where a table is described.
  event_types = {
    for name in fileset("${path.module}/event_types", "*.json") :
    trimsuffix(name, ".json") => jsondecode(file("${path.module}/event_types/${name}"))
  }
  dead_letter_table = jsondecode(file("${path.module}/dead_letter_events.json"))
}
