"""Reads back what a stack stored: every event id, and whether a row still says what its line says.

Tables come by BigQuery's Storage Read API, in columns, and objects by Cloud Storage's JSON API; the
comparison is DuckDB's, in memory. 300,000 events take seconds.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery, storage

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.content import Content
from local.ledger import Ids, Stored
from local.tables import Tables
from settings import Settings

EVENT_FILES, DEAD_LETTER_FILES = "output/", "dead-letter/"
READERS = 8


@dataclass
class _Found:
    """What is collected while the places are read."""

    rows: dict[str, Ids] = field(default_factory=dict)
    lines: Ids = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def read_stored(names: Settings) -> Stored:
    """Read everything back. What is gone (a bucket, the dataset, a table) is named, not raised."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        objects, gone = _downloaded(names, Path(folder))
        tables = Tables(names)
        found = _Found(gone=[*gone, *_no_dataset(names)])
        for each in registry.ALL:
            with Content(each.layout, Path(folder) / "output" / each.name) as content:
                _compare(each.table, tables.read(each.table), content, found)
        dead = tables.read(DEAD_LETTER_TABLE.name, ["event_id", "reason"])
        if dead is None:
            found.gone.append(f"table {names.dataset}.{DEAD_LETTER_TABLE.name}")
        with Content(DEAD_LETTER_TABLE, Path(folder) / "dead-letter") as letters:
            dead_lines = letters.line_ids()
    return Stored(
        rows=found.rows,
        lines=found.lines,
        dead_rows=_column(dead, "event_id"),
        dead_lines=dead_lines,
        reasons=_column(dead, "reason"),
        files=objects,
        changed=sorted(found.changed),
        gone=found.gone,
    )


def _compare(table: str, rows: pa.Table | None, content: Content, found: _Found) -> None:
    lines = content.line_ids()
    found.lines.update(lines)
    found.rows[table] = _column(rows, "event_id")
    if rows is None and lines:  # else no event of this type has come yet
        found.gone.append(f"table {table}, of which {len(lines):,} events are in files")
    elif rows is not None:
        found.changed += content.changed(rows)


def _column(table: pa.Table | None, name: str) -> Counter[str]:
    return Counter() if table is None else Counter(table.column(name).to_pylist())


def _no_dataset(names: Settings) -> Iterator[str]:
    try:
        bigquery.Client(project=names.project_id).get_dataset(names.dataset)
    except NotFound:
        yield f"dataset {names.dataset}"


def _downloaded(names: Settings, folder: Path) -> tuple[int, list[str]]:
    """Copy each object of lines to `folder`; how many there are, and the bucket if it is gone."""
    bucket = storage.Client(project=names.project_id).bucket(names.bucket)
    try:
        blobs = [
            blob
            for root in (EVENT_FILES, DEAD_LETTER_FILES)
            for blob in bucket.list_blobs(prefix=root)
        ]
    except NotFound:
        return 0, [f"bucket {names.bucket}"]

    def copy(blob: storage.Blob) -> None:
        to = folder / blob.name
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            to.write_bytes(blob.download_as_bytes(checksum=None))
        except GoogleAPICallError as error:
            if error.code != 404:  # deleted meanwhile: its events are missed
                raise

    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(copy, blobs))
    return len(blobs), []
