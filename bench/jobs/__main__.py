"""Runs one of these jobs in this process: `python -m bench.jobs NAME ARGUMENT...`.

Through here, because Beam pickles DoFns, and those of a module run as __main__ it can't find again.
"""

from __future__ import annotations

import importlib
import sys

sys.exit(importlib.import_module(f"bench.jobs.{sys.argv[1]}").main(*sys.argv[2:]))
