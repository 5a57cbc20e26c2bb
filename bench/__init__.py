"""Speed, side by side in one run: ours, the stock part, and what plain Python can do at most.

rows.py      what a figure is, percentiles, ratios      report.py    how figures are shown
ground.py    processes in a temporary folder            machine.py   where it ran
events.py    the messages                               wire.py      Pub/Sub in raw protobuf
runner.py pubsub.py bigquery.py pipeline.py generator.py    one comparison each
jobs/        what is measured in a process of its own
"""
