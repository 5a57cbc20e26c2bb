"""`up --watch`: real edits while events flow, and a ledger that balances."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import PATIENCE, LocalStack, until
from tests.e2e.test_kill import start_events
from tests.e2e.test_new_event_type import copy_code
from tests.installed import python_path

EVENTS = 3_000
EDITS = (
    ("pipeline/graph.py", "pipeline"),
    ("services/table_manager/tables.py", "table_manager"),
    ("emulators/src/localgcp/pubsub/errors.py", "pubsub"),
    ("emulators/src/localgcp/bigquery/errors.py", "bigquery"),
    ("emulators/src/localgcp/storage/errors.py", "storage"),
)


def test_parts_that_are_edited_in_mid_flow_start_again_and_lose_nothing(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_code(tree)
    path = python_path(first=str(tree / "emulators" / "src"))
    found = {"PYTHONPATH": path, "WINDOW_SECONDS": "2"}
    stack = LocalStack(tmp_path / "data", root=tree, settings=found)
    said = stack.data_dir / "up.log"
    try:
        stack.up("--watch", "--no-browser")
        start_events(stack, EVENTS)
        for file, part in EDITS:
            before = stack.child(part)
            (tree / file).write_text(f"{(tree / file).read_text()}\n# edited\n")
            until(lambda part=part: f"{part} serves again" in said.read_text(), PATIENCE, part)  # type: ignore[misc]
            assert stack.child(part) != before
        start_events(stack, 300)
        until(lambda: stack.published() >= EVENTS + 300, PATIENCE, "events")
        stack.drained(stack.published())
        ledger = stack.json("ledger")
        assert ledger["lost"] == 0
        assert ledger["dead_lettered"] == 0
        assert ledger["duplicated_rows"] == 0
        assert stack.stop() == 0
    finally:
        stack.stop()
