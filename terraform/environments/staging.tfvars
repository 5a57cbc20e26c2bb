# What prod is, smaller, and without its keys and copies.
environment          = "staging"
dataflow_max_workers = 3
