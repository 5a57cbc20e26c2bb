"""The job is exchanged while events flow: drained, then started with other settings; none is lost.

An update in place rests on the transforms' names, which tests/unit/pipeline/test_dataflow_graph.py
holds fast.
"""

from __future__ import annotations

import os
import signal

from tests.e2e.conftest import PATIENCE, STOP_SECONDS, LocalStack, until
from tests.e2e.test_kill import recorded, start_events, unacked

EVENTS = 6_000
DRAINED = "job ended: DONE"


def drain(stack: LocalStack) -> None:
    """SIGTERM for the job alone, while messages are on their way to it."""
    until(lambda: unacked(stack) > 50, PATIENCE, "messages on their way")
    os.kill(stack.child("pipeline"), signal.SIGTERM)
    assert stack.process is not None
    # Whichever process ends, the stack ends with it: with 0 here, for a drain is no failure.
    assert stack.process.wait(STOP_SECONDS) == 0


def test_a_job_that_is_drained_and_replaced_under_load_loses_nothing(
    local_stack: LocalStack,
) -> None:
    local_stack.settings["WINDOW_SECONDS"] = "3600"
    local_stack.up()
    start_events(local_stack, EVENTS)
    until(lambda: recorded(local_stack) > 1_000, PATIENCE, "events")
    drain(local_stack)
    assert DRAINED in (local_stack.data_dir / "logs" / "pipeline.log").read_text()
    before = recorded(local_stack)

    # Each window was open for an hour: that its lines are in files is the drain's work.
    local_stack.settings["WINDOW_SECONDS"] = "1"
    local_stack.up()
    start_events(local_stack, 500)
    until(lambda: recorded(local_stack) >= before + 500, PATIENCE, "more events")
    local_stack.drained()
    ledger = local_stack.json("ledger")
    assert ledger["published"] == recorded(local_stack) > 1_500
    assert ledger["lost"] == 0
    assert ledger["in_bigquery"] == ledger["in_files"] == ledger["published"]
    # An orderly end gives back nothing that it has stored.
    assert ledger["duplicated_rows"] == ledger["duplicated_lines"] == 0
