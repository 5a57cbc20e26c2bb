"""Found in pandas' place, which no part installs: Beam and the BigQuery client would load it.

It costs each process that has one of them more than half a second of CPU.
"""

raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
