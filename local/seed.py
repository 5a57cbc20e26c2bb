"""Fills the days before today with believable events, in seconds: by load jobs and whole files.

Each event is a row, a line of its minute's file and a line of the publishers' record, so the ledger
counts them like any other. What an earlier run stored is left as it is.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from random import Random
from typing import Any

from google.api_core.exceptions import PreconditionFailed
from google.cloud import bigquery, storage

from event_types import registry
from event_types.base import EventType
from local.attached import Reachable
from local.ledger import read_published
from services.table_manager.tables import ensure_table
from settings import Settings

PER_DAY = 300
"""Events of each type a day, by default."""
MINUTES = 12
"""Of a day, spread over it: in how many minutes its events happened, a file each."""
UPLOADS = 8
PREFIX = "seed"

Row = dict[str, Any]


def seed(stack: Reachable, days: int, per_day: int, today: date) -> dict[str, int]:
    """Fill the `days` before `today`; gives how many events each type got.

    Raises GoogleAPICallError with what BigQuery or Cloud Storage says.
    """
    names = stack.names
    warehouse = bigquery.Client(project=names.project_id)
    recorded = set(read_published(stack.publish_log))
    made: dict[str, int] = {}
    for kind in registry.ALL:
        ensure_table(warehouse, names.dataset, kind.layout)
        wanted = [
            row
            for back in range(days, 0, -1)
            for row in events(kind, today - timedelta(days=back), per_day)
        ]
        stored = _stored(warehouse, names, kind)
        rows = [row for row in wanted if row["event_id"] not in stored]
        if rows:
            _write_files(names, kind, rows)
            _load(warehouse, names, kind, rows)
        _record(stack, kind, [row for row in wanted if row["event_id"] not in recorded])
        made[kind.name] = len(rows)
    return made


def events(kind: EventType, day: date, count: int) -> Iterator[Row]:
    """The events of a type on a day, as rows; the same each time."""
    rng = Random(f"{kind.name} {day}")
    start = datetime.combine(day, time(), UTC)
    for number in range(count):
        minute = timedelta(minutes=(number % MINUTES) * 24 * 60 // MINUTES)
        moment = start + minute + timedelta(seconds=rng.randrange(59))
        event_id = f"{PREFIX}-{kind.name}-{day}-{number:05}"
        yield kind.row(kind.fake(rng, moment), event_id, moment, moment)


def _stored(warehouse: bigquery.Client, names: Settings, kind: EventType) -> set[str]:
    table = f"`{names.project_id}.{names.dataset}.{kind.table}`"
    sql = f"SELECT event_id FROM {table} WHERE STARTS_WITH(event_id, '{PREFIX}-')"
    return {row["event_id"] for row in warehouse.query_and_wait(sql)}


def _load(warehouse: bigquery.Client, names: Settings, kind: EventType, rows: list[Row]) -> None:
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    table = f"{names.project_id}.{names.dataset}.{kind.table}"
    lines = BytesIO(b"".join(map(_line, rows)))
    warehouse.load_table_from_file(lines, table, job_config=config).result()


def _write_files(names: Settings, kind: EventType, rows: list[Row]) -> None:
    """One object a minute, at the place and by the name that the pipeline gives it."""
    bucket = storage.Client(project=names.project_id).bucket(names.bucket)
    by_minute: defaultdict[str, list[bytes]] = defaultdict(list)
    for row in rows:
        by_minute[row[kind.event_time][:16]].append(_line(row))

    def write(minute: str) -> None:
        moment = datetime.fromisoformat(minute)
        folder = f"output/{kind.name}/{moment:%Y/%m/%d/%H/%M}"
        name = f"{folder}/{kind.name}_{moment:%Y%m%d%H%M}900.json"
        try:
            bucket.blob(name).upload_from_string(
                b"".join(by_minute[minute]), "application/json", if_generation_match=0
            )
        except PreconditionFailed:
            return  # a seed that was stopped before its rows were loaded

    with ThreadPoolExecutor(UPLOADS) as pool:
        list(pool.map(write, by_minute))


def _record(stack: Reachable, kind: EventType, rows: list[Row]) -> None:
    with stack.publish_log.open("a") as log:
        for row in rows:
            record = {
                "event_id": row["event_id"],
                "published_at": row["publish_time"],
                "event_type": kind.name,
            }
            log.write(json.dumps(record) + "\n")


def _line(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"
