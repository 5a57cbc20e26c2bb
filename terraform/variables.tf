# Where

variable "project_id" {
  description = "Project that holds everything."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is 6 to 30 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "environment" {
  description = "dev, staging or prod. It begins every name, and decides what locals.tf says of it."
  type        = string
  default     = "dev"
  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment is dev, staging or prod."
  }
}

variable "region" {
  description = "Region of everything that has one."
  type        = string
  default     = "us-central1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region's name, such as us-central1; it is no zone and no multi-region."
  }
}

variable "zone" {
  description = "Zone of the Dataflow workers. By default Dataflow takes the one with most room."
  type        = string
  default     = null
  validation {
    condition     = var.zone == null ? true : can(regex("^${var.region}-[a-z]$", var.zone))
    error_message = "zone lies in the region, such as us-central1-a in us-central1."
  }
}

variable "copy_region" {
  description = "Region of prod's copies of dataset and bucket."
  type        = string
  default     = "us-east1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.copy_region)) && var.copy_region != var.region
    error_message = "copy_region is a region's name, and another than region."
  }
}

# What was built

variable "release" {
  description = <<-EOT
    What the scripts built and pushed under this tag: the images, the function's source, the
    template. Null makes only what needs none of them, which is what a first apply has to do:
    the registry and the bucket that they are pushed to.
  EOT
  type        = string
  default     = null
  validation {
    condition     = var.release == null ? true : can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.release))
    error_message = "release is an image's tag: letters, digits, _, . and -."
  }
}

variable "generator_image" {
  description = "Image of the generator; by default event-generator:RELEASE of the registry here."
  type        = string
  default     = null
}

variable "pipeline_image" {
  description = "Image of the pipeline's launcher and workers; by default pipeline:RELEASE of the registry here."
  type        = string
  default     = null
}

variable "pipeline_template" {
  description = "gs:// path of the Flex Template; by default templates/pipeline-RELEASE.json in the template bucket."
  type        = string
  default     = null
  validation {
    condition     = var.pipeline_template == null ? true : can(regex("^gs://[^/]+/.+\\.json$", var.pipeline_template))
    error_message = "pipeline_template is the gs:// path of a .json object."
  }
}

variable "table_manager_source" {
  description = "Object in the template bucket with the function's source; by default functions/table-manager-RELEASE.zip."
  type        = string
  default     = null
}

# Dataflow

variable "dataflow_machine_type" {
  description = "Machine type of a worker."
  type        = string
  default     = "e2-standard-2"
}

variable "dataflow_num_workers" {
  description = "Workers at the start. To change it, or the workers' machine type, drains the job."
  type        = number
  default     = 1
  validation {
    condition     = var.dataflow_num_workers >= 1 && floor(var.dataflow_num_workers) == var.dataflow_num_workers
    error_message = "dataflow_num_workers is 1 or more, and whole."
  }
}

variable "dataflow_max_workers" {
  description = "Workers at most; the job scales to its backlog. To change it drains the job."
  type        = number
  default     = 2
  validation {
    condition     = var.dataflow_max_workers >= var.dataflow_num_workers
    error_message = "dataflow_max_workers is dataflow_num_workers or more."
  }
}

variable "window_seconds" {
  description = "Length of the pipeline's file windows."
  type        = number
  default     = 60
  validation {
    condition     = var.window_seconds > 0
    error_message = "window_seconds is more than 0."
  }
}

variable "sink" {
  description = "How rows are written: insert_all, or storage_write for more events (docs/scale.md)."
  type        = string
  default     = "insert_all"
  validation {
    condition     = contains(["insert_all", "storage_write"], var.sink)
    error_message = "sink is insert_all or storage_write."
  }
}

variable "file_shards" {
  description = "Objects that a window's lines of one type and minute are divided into (docs/scale.md)."
  type        = number
  default     = 1
  validation {
    condition     = var.file_shards >= 1 && var.file_shards <= 999 && floor(var.file_shards) == var.file_shards
    error_message = "file_shards is a whole number, 1 to 999."
  }
}

variable "at_least_once" {
  description = "Dataflow's cheaper streaming mode, in which a message may be processed twice (docs/scale.md)."
  type        = bool
  default     = false
}

# Pub/Sub

variable "ack_deadline_seconds" {
  description = <<-EOT
    How long the pipeline's subscription waits for an ack. 600, the most there is, because Dataflow
    acks what it has committed durably and extends deadlines by itself meanwhile. The local stack
    has 20: there a killed job's messages should be back while one watches.
  EOT
  type        = number
  default     = 600
  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600
    error_message = "ack_deadline_seconds is 10 to 600."
  }
}

variable "max_delivery_attempts" {
  description = <<-EOT
    Deliveries of a message before it goes to the dead-letter topic. 5 is enough for Dataflow, which
    acks after its own durable commit: a worker that dies later costs no delivery. The local runner
    acks when the work is done, so each kill of it counts, and the local stack has 100, the most
    there is. Bad events never get here: the pipeline stores them as dead letters itself.
  EOT
  type        = number
  default     = 5
  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "max_delivery_attempts is 5 to 100."
  }
}

# BigQuery

variable "manage_tables" {
  description = "Whether Terraform makes the event tables. By default the table manager makes each with its first event."
  type        = bool
  default     = false
}

variable "import_tables" {
  description = <<-EOT
    Event types whose tables the table manager has made already, when manage_tables is set: they are
    taken over as they are. ["order", "inventory", "user_activity"] once events of all came.
  EOT
  type        = set(string)
  default     = []
  validation {
    condition     = length(var.import_tables) == 0 || var.manage_tables
    error_message = "import_tables needs manage_tables = true."
  }
  validation {
    condition     = alltrue([for each in var.import_tables : contains(keys(local.event_types), each)])
    error_message = "import_tables names event types: ${join(", ", keys(local.event_types))}."
  }
}

variable "require_partition_filter" {
  description = <<-EOT
    Whether queries of the event tables that Terraform makes must name days. It guards against
    expensive queries, but the views *_deduplicated look at all days and can't be queried then.
  EOT
  type        = bool
  default     = false
}

variable "schema_contract" {
  description = <<-EOT
    evolve: the table manager adds missing columns, and the job waits for them. freeze: neither.
    discard: what has no column is kept in the column `extra`, which is added. The dataset's label
    contract_NAME gives one event type another.
  EOT
  type        = string
  default     = "evolve"
  validation {
    condition     = contains(["evolve", "freeze", "discard"], var.schema_contract)
    error_message = "schema_contract is evolve, freeze or discard."
  }
}

# Who

variable "alert_email" {
  description = "Where alerts go. Only dev may do without: empty, as a workflow gives what is not set."
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = var.alert_email == "" || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email is an e-mail address."
  }
  validation {
    condition     = var.alert_email != "" || var.environment == "dev"
    error_message = "alert_email is needed in staging and prod: an alert has to reach somebody."
  }
}

variable "generator_invokers" {
  description = "Who may call the generator, such as user:a@example.com or group:b@example.com."
  type        = set(string)
  default     = []
  validation {
    condition     = length(setintersection(var.generator_invokers, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "generator_invokers are named: the generator is not for everybody."
  }
}

variable "github_repository" {
  description = "OWNER/NAME of the GitHub repository whose workflows deploy here; null for none."
  type        = string
  default     = null
  validation {
    condition     = var.github_repository == null ? true : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository is OWNER/NAME."
  }
}

variable "deletion_protection" {
  description = "Whether destroy refuses what holds data. By default so in prod; set it to false, apply, then destroy."
  type        = bool
  default     = null
}

variable "adopt" {
  description = <<-EOT
    Whether to take over what outlived a destroy: Google deletes neither key rings nor keys, and keeps a
    workload identity pool's name for 30 days. scripts/restore.sh brings them back and says what to
    give here. Once they are in the state, it makes no difference.
  EOT
  type        = object({ keys = optional(bool, false), github = optional(bool, false) })
  default     = {}
  nullable    = false
  validation {
    condition     = !var.adopt.keys || local.here.encrypted
    error_message = "adopt.keys is for prod: other environments have no keys of their own."
  }
  validation {
    condition     = !var.adopt.github || var.github_repository != null
    error_message = "adopt.github needs github_repository."
  }
}

variable "otlp_endpoint" {
  description = <<-EOT
    Where the spans of events go, by OTLP over HTTP (docs/traces.md): a collector's URL, or
    https://telemetry.googleapis.com, which is Cloud Trace. Null makes none.
  EOT
  type        = string
  default     = null
  validation {
    condition     = var.otlp_endpoint == null ? true : can(regex("^https?://[^/]+(/.*)?$", var.otlp_endpoint))
    error_message = "otlp_endpoint is a URL, such as http://collector:4318; /v1/traces is added to it."
  }
}

variable "trace_ratio" {
  description = "Share of the events that are traced where otlp_endpoint is set, 0 to 1."
  type        = number
  default     = 1
  validation {
    condition     = var.trace_ratio >= 0 && var.trace_ratio <= 1
    error_message = "trace_ratio is 0 to 1."
  }
}

variable "log_level" {
  description = "Level of the parts' logs."
  type        = string
  default     = "INFO"
  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARNING or ERROR."
  }
}
