environment           = "prod"
dataflow_machine_type = "n2-standard-4"
dataflow_num_workers  = 2
dataflow_max_workers  = 10
