"""Reads back every event id that a stack stored, by the official clients."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from google.api_core.exceptions import NotFound
from google.cloud import bigquery, storage

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.ledger import Ids, Stored, records
from settings import Settings

EVENT_FILES, DEAD_LETTER_FILES = "output/", "dead-letter/"
READERS = 8


def read_stored(names: Settings) -> Stored:
    """Read every id back, by the official clients."""
    warehouse = bigquery.Client(project=names.project_id)
    bucket = storage.Client(project=names.project_id).bucket(names.bucket)
    lines, files = _line_ids(bucket, EVENT_FILES)
    dead_lines, dead_files = _line_ids(bucket, DEAD_LETTER_FILES)
    dead = _column_pairs(warehouse, names, DEAD_LETTER_TABLE.name, "event_id, reason")
    return Stored(
        rows={
            each.table: Counter(
                event_id for (event_id,) in _column_pairs(warehouse, names, each.table, "event_id")
            )
            for each in registry.ALL
        },
        lines=lines,
        dead_rows=Counter(event_id for event_id, _ in dead),
        dead_lines=dead_lines,
        reasons=Counter(reason for _, reason in dead),
        files=files + dead_files,
    )


def _column_pairs(
    warehouse: bigquery.Client, names: Settings, table: str, columns: str
) -> list[tuple[str, ...]]:
    sql = f"SELECT {columns} FROM `{names.project_id}.{names.dataset}.{table}`"
    try:
        return [tuple(row.values()) for row in warehouse.query_and_wait(sql)]
    except NotFound:
        return []  # no event of this type has come yet


def _line_ids(bucket: storage.Bucket, prefix: str) -> tuple[Ids, int]:
    blobs = list(bucket.list_blobs(prefix=prefix))
    with ThreadPoolExecutor(READERS) as readers:
        contents = readers.map(lambda blob: blob.download_as_bytes(), blobs)
        return Counter(
            record["event_id"] for content in contents for record in records(content.splitlines())
        ), len(blobs)
