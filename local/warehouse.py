"""Asks BigQuery by its REST API, page by page: `jobs.query`, then `jobs.getQueryResults`.

The official client takes two seconds to load; a question by hand should take none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from local.errors import BadQuery
from local.wire import Refused, Unreachable, ask, get

PAGE_ROWS = 1_000
ANSWER_SECONDS = 600.0
TIMESTAMPS = "formatOptions.useInt64Timestamp"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = list[Any]


@dataclass
class Result:
    """What a statement gave. `pages` is read once."""

    columns: list[str] = field(default_factory=list)
    """Empty for a statement that gives no rows."""
    pages: Iterator[list[Row]] = field(default_factory=lambda: iter(()))
    total: int = 0
    changed: int | None = None
    """Rows that DML inserted, updated or deleted."""


@dataclass(frozen=True)
class Warehouse:
    """One project of a BigQuery at `url`; names in SQL need no dataset."""

    url: str
    project: str
    dataset: str

    def query(self, sql: str) -> Result:
        """Run one statement. Raises BadQuery with what BigQuery says of it."""
        body = {
            "query": sql,
            "useLegacySql": False,
            "defaultDataset": {"projectId": self.project, "datasetId": self.dataset},
            "maxResults": PAGE_ROWS,
            "formatOptions": {"useInt64Timestamp": True},
        }
        answer = self._ask("/queries", body)
        while not answer["jobComplete"]:
            answer = self._results(answer["jobReference"], {})
        fields = answer.get("schema", {}).get("fields", [])
        changed = answer.get("numDmlAffectedRows")
        return Result(
            columns=[each["name"] for each in fields],
            pages=self._pages(answer, fields),
            total=int(answer.get("totalRows", 0)),
            changed=None if changed is None else int(changed),
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """All rows by column; none where the table is not made yet. Raises BadQuery."""
        try:
            found = self.query(sql)
            return [
                dict(zip(found.columns, row, strict=True)) for page in found.pages for row in page
            ]
        except BadQuery as error:
            if "Not found: Table" in str(error):
                return []
            raise

    def tables(self) -> dict[str, list[str]]:
        """The columns of each table of the dataset. Raises BadQuery."""
        columns = f"`{self.dataset}`.INFORMATION_SCHEMA.COLUMNS"
        found: dict[str, list[str]] = {}
        for page in self.query(f"SELECT table_name, column_name FROM {columns}").pages:
            for table, column in page:
                found.setdefault(table, []).append(column)
        return found

    def has(self, table: str) -> bool:
        """Whether the dataset has such a table: a query of one that is missing is a failed job."""
        path = f"/datasets/{quote(self.dataset)}/tables/{quote(table, safe='')}"
        return get(f"{self.url}/bigquery/v2/projects/{self.project}{path}") is not None

    def _pages(self, answer: dict[str, Any], fields: list[dict[str, Any]]) -> Iterator[list[Row]]:
        while True:
            if rows := answer.get("rows"):
                yield [_values(row, fields) for row in rows]
            token = answer.get("pageToken")
            if not token:
                return
            answer = self._results(answer["jobReference"], {"pageToken": token})

    def _results(self, job: dict[str, str], more: dict[str, str]) -> dict[str, Any]:
        asked = {"maxResults": str(PAGE_ROWS), TIMESTAMPS: "true", "location": job["location"]}
        return self._ask(f"/queries/{quote(job['jobId'])}?{urlencode({**asked, **more})}")

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self.url}/bigquery/v2/projects/{self.project}{path}"
        try:
            answer: dict[str, Any] = ask(
                "GET" if body is None else "POST", url, body, ANSWER_SECONDS
            )
        except Unreachable as error:
            raise BadQuery(f"BigQuery at {self.url} does not answer: {error.why}") from None
        except Refused as refusal:
            raise BadQuery(str(refusal)) from None
        return answer


def _values(row: dict[str, Any], fields: list[dict[str, Any]]) -> Row:
    return [_value(cell["v"], each) for cell, each in zip(row["f"], fields, strict=True)]


def _value(value: Any, field: dict[str, Any]) -> Any:
    """A cell of the wire as JSON has it: numbers, booleans, text, lists and objects.

    NUMERIC stays text, which loses nothing; NaN and the infinities are text, which JSON lacks.
    """
    if value is None:
        return None
    if field.get("mode") == "REPEATED":
        return [_value(each["v"], {**field, "mode": "NULLABLE"}) for each in value]
    kind = field["type"]
    if kind in ("RECORD", "STRUCT"):
        values = _values(value, field["fields"])
        return dict(zip((each["name"] for each in field["fields"]), values, strict=True))
    if kind in ("INTEGER", "INT64"):
        return int(value)
    if kind in ("FLOAT", "FLOAT64"):
        number = float(value)
        return number if abs(number) < float("inf") else str(value)
    if kind in ("BOOLEAN", "BOOL"):
        return value == "true"
    if kind == "TIMESTAMP":
        return _moment(int(value))
    if kind == "BYTES":
        return base64.b64encode(base64.b64decode(value)).decode()
    return json.loads(value) if kind == "JSON" else value


def _moment(microseconds: int) -> str:
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(sep=" ").removesuffix("+00:00") + " UTC"
