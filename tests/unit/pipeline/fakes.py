"""What no real part can do on demand: let time pass, and make BigQuery fail."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import requests
from requests.adapters import BaseAdapter

from pipeline.record import Message

PROJECT, DATASET = "test-project", "dev_events_dataset"
TOPIC = f"projects/{PROJECT}/topics/dev-table-requests-topic"


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class Asked(list[tuple[str, str]]):
    """What was asked for: table, and the event's id."""

    def __call__(self, table: str, event: Message) -> None:
        self.append((table, event.event_id))


class InsertAll(BaseAdapter):
    """The wire below the official client: insertAll as its reference describes it, with faults.

    An emulator can't be told to answer 413, or `backendError` for one row, so this can.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tables: set[str] = set()
        self.rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.requests: list[tuple[str, int]] = []
        self.looks: list[str] = []
        """The tables that were asked for by GET."""
        self.row_errors: dict[tuple[str, str], list[dict[str, str]]] = {}
        """By table and insert id: what is wrong with the row."""
        self.lacks: dict[str, set[str]] = defaultdict(set)
        """By table: dotted paths of what its schema has not; a row that has them is refused."""
        self.faults: list[tuple[int, str, str]] = []
        """(status, reason, message) of the next answers."""
        self.largest = 10_000

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:  # type: ignore[override]
        table = (request.url or "").split("/tables/")[1].split("/")[0].split("?")[0]
        if request.method == "GET":
            return self._answer(request, *self._get(table))
        assert isinstance(request.body, str | bytes)
        body = json.loads(request.body)
        self.requests.append((table, len(body["rows"])))
        return self._answer(request, *self._insert(table, body["rows"]))

    def _get(self, table: str) -> tuple[int, dict[str, Any]]:
        self.looks.append(table)
        if table not in self.tables:
            return _missing(table)
        name = {"projectId": PROJECT, "datasetId": DATASET, "tableId": table}
        return 200, {"tableReference": name}

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if self.faults:
            return _fault(*self.faults.pop(0))
        if len(rows) > self.largest:
            return _fault(413, "uploadTooLarge", "Request Entity Too Large")
        if table not in self.tables:
            return _missing(table)
        errors = []
        for index, row in enumerate(rows):
            wrong = self.row_errors.get((table, row["insertId"])) or _unknown(
                row["json"], self.lacks[table]
            )
            if wrong:
                errors.append({"index": index, "errors": wrong})
            else:
                self.rows[table][row["insertId"]] = row["json"]
        return 200, {"insertErrors": errors} if errors else {}

    def _answer(
        self, request: requests.PreparedRequest, status: int, body: dict[str, Any]
    ) -> requests.Response:
        response = requests.Response()
        response.status_code, response.request = status, request
        response.url = request.url or ""
        response.headers["Content-Type"] = "application/json"
        response._content = json.dumps(body).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


def _unknown(value: Any, lacks: set[str], path: str = "") -> list[dict[str, str]]:
    """The first field that the schema has not, as BigQuery names it: `items[0].colour`."""
    if isinstance(value, list):
        found = (_unknown(each, lacks, f"{path}[{index}]") for index, each in enumerate(value))
        return next(filter(None, found), [])
    if not isinstance(value, dict):
        return []
    for name, each in value.items():
        here = f"{path}.{name}" if path else name
        if re.sub(r"\[\d+\]", "", here) in lacks:
            return [{"reason": "invalid", "location": here, "message": f"no such field: {here}."}]
        if deeper := _unknown(each, lacks, here):
            return deeper
    return []


def _missing(table: str) -> tuple[int, dict[str, Any]]:
    return _fault(404, "notFound", f"Not found: Table {PROJECT}:{DATASET}.{table}")


def _fault(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    error = {"code": status, "message": message, "errors": [{"reason": reason}]}
    return status, {"error": error}
