# Each variable refuses what can't be meant.

variables {
  project_id = "test-project"
}

run "project_id" {
  command         = plan
  expect_failures = [var.project_id]
  variables {
    project_id = "Test_Project"
  }
}

run "environment" {
  command         = plan
  expect_failures = [var.environment]
  variables {
    environment = "qa"
  }
}

run "region_is_no_multi_region" {
  command         = plan
  expect_failures = [var.region]
  variables {
    region = "US"
  }
}

run "zone_of_another_region" {
  command         = plan
  expect_failures = [var.zone]
  variables {
    zone = "europe-west1-b"
  }
}

run "copy_beside_the_original" {
  command         = plan
  expect_failures = [var.copy_region]
  variables {
    copy_region = "us-central1"
  }
}

run "fewer_workers_at_most_than_at_first" {
  command         = plan
  expect_failures = [var.dataflow_max_workers]
  variables {
    dataflow_num_workers = 3
  }
}

run "no_worker" {
  command         = plan
  expect_failures = [var.dataflow_num_workers]
  variables {
    dataflow_num_workers = 0
  }
}

run "deadline_beyond_pubsubs" {
  command         = plan
  expect_failures = [var.ack_deadline_seconds]
  variables {
    ack_deadline_seconds = 601
  }
}

run "attempts_below_pubsubs" {
  command         = plan
  expect_failures = [var.max_delivery_attempts]
  variables {
    max_delivery_attempts = 4
  }
}

run "import_without_managing" {
  command         = plan
  expect_failures = [var.import_tables]
  variables {
    import_tables = ["order"]
  }
}

run "alerts_for_nobody" {
  command         = plan
  expect_failures = [var.alert_email]
  variables {
    environment = "prod"
  }
}

run "no_address" {
  command         = plan
  expect_failures = [var.alert_email]
  variables {
    alert_email = "somebody"
  }
}

run "generator_for_everybody" {
  command         = plan
  expect_failures = [var.generator_invokers]
  variables {
    generator_invokers = ["allUsers"]
  }
}

run "repository_without_owner" {
  command         = plan
  expect_failures = [var.github_repository]
  variables {
    github_repository = "name"
  }
}

run "tag_with_a_slash" {
  command         = plan
  expect_failures = [var.release]
  variables {
    release = "feature/x"
  }
}

run "template_of_no_bucket" {
  command         = plan
  expect_failures = [var.pipeline_template]
  variables {
    pipeline_template = "templates/pipeline.json"
  }
}

run "image_without_its_template" {
  command         = plan
  expect_failures = [google_dataflow_flex_template_job.pipeline]
  variables {
    pipeline_image = "example.com/pipeline:x"
  }
}

run "schema_contract" {
  command         = plan
  expect_failures = [var.schema_contract]
  variables {
    schema_contract = "ignore"
  }
}

run "log_level" {
  command         = plan
  expect_failures = [var.log_level]
  variables {
    log_level = "LOUD"
  }
}

run "window_of_nothing" {
  command         = plan
  expect_failures = [var.window_seconds]
  variables {
    window_seconds = 0
  }
}

run "keys_where_there_are_none" {
  command         = plan
  expect_failures = [var.adopt]
  variables {
    adopt = { keys = true }
  }
}

run "a_pool_of_no_repository" {
  command         = plan
  expect_failures = [var.adopt]
  variables {
    adopt = { github = true }
  }
}

run "an_unknown_sink" {
  command         = plan
  expect_failures = [var.sink]
  variables {
    sink = "load"
  }
}

run "no_shard" {
  command         = plan
  expect_failures = [var.file_shards]
  variables {
    file_shards = 0
  }
}

run "spans_to_no_url" {
  command         = plan
  expect_failures = [var.otlp_endpoint]
  variables {
    otlp_endpoint = "collector:4318"
  }
}

run "more_traces_than_events" {
  command         = plan
  expect_failures = [var.trace_ratio]
  variables {
    trace_ratio = 2
  }
}
