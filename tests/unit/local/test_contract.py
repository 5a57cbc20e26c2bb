"""What the code would change in a table, and which stored events it would refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from event_types.inventory import INVENTORY
from local.attached import Attached
from local.contract import diff
from local.errors import NoSuchType
from local.laptop import Endpoints

EVENT = {
    "event_type": "inventory",
    "inventory_id": "i",
    "product_id": "p",
    "warehouse_id": "w",
    "quantity_change": 3,
    "reason": "sale",
    "timestamp": "2026-11-26T01:00:00Z",
}
ENVELOPE = {"event_id": "e", "publish_time": "2026-11-26T01:00:00Z", "event_date": "2026-11-26"}
TABLE: dict[str, Any] = {}
ROWS: list[dict[str, Any]] = []


class BigQuery(BaseHTTPRequestHandler):
    """One table, and its rows."""

    def do_GET(self) -> None:
        self._answer(TABLE)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        rows = [{"f": [{"v": row["event_id"]}, {"v": json.dumps(row)}]} for row in ROWS]
        names = [{"name": name, "type": "STRING"} for name in ("event_id", "event")]
        page = {"schema": {"fields": names}, "rows": rows, "totalRows": str(len(rows))}
        self._answer({"jobComplete": True, **page})

    def _answer(self, page: dict[str, Any]) -> None:
        body = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Attached]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BigQuery)
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROJECT_ID", "local-project")
        yield Attached(Endpoints(*[f"http://127.0.0.1:{server.server_port}"] * 7))
    server.shutdown()
    server.server_close()


def table(**changes: tuple[str, str] | None) -> None:
    """The table as the code has it, but for these columns: type and mode, or None for none."""
    columns = {each["name"]: each for each in INVENTORY.layout.schema_to_api()}
    for name, change in changes.items():
        columns.pop(name, None)
        if change is not None:
            columns[name] = {"name": name, "type": change[0], "mode": change[1]}
    TABLE.clear()
    TABLE.update(schema={"fields": list(columns.values())})


def test_code_and_table_that_agree_are_safe(stack: Attached) -> None:
    table()
    ROWS[:] = [{**EVENT, **ENVELOPE, "colour": None}]
    (found,) = diff(stack, ["inventory"])
    assert (found.is_safe, found.changes, found.checked, found.failing) == (True, [], 1, 0)


def test_each_change_of_a_column_is_told_with_what_it_breaks(stack: Attached) -> None:
    table(
        reason=None,
        colour=("STRING", "REQUIRED"),
        size=("STRING", "NULLABLE"),
        product_id=("STRING", "NULLABLE"),
        quantity_change=("STRING", "REQUIRED"),
    )
    ROWS[:] = []
    (found,) = diff(stack, ["inventory"])
    told = {each.column: (each.what, each.breaks) for each in found.changes}
    assert told == {
        "reason": ("added", False),
        "colour": ("removed", True),
        "size": ("removed", False),
        "product_id": ("relaxed", False),
        "quantity_change": ("changed", True),
    }
    assert not found.is_safe


def test_stored_events_that_the_code_would_refuse_are_named(stack: Attached) -> None:
    table()
    ROWS[:] = [{**EVENT, **ENVELOPE, "event_id": "bad", "reason": "lost"}, {**EVENT, **ENVELOPE}]
    (found,) = diff(stack, ["inventory"])
    (failure,) = found.failures
    assert (found.failing, found.checked, failure.event_id) == (1, 2, "bad")
    assert "reason" in failure.detail


def test_a_type_that_is_none_is_named(stack: Attached) -> None:
    with pytest.raises(NoSuchType, match="'refund'; there are"):
        list(diff(stack, ["refund"]))
