"""Writers and readers of one table for a minute, beside a query that does not end.

`python -m tests.soak.bigquery --seconds 60`: 8 writers by insertAll, 4 readers that count, and long
queries one after the other. No request may fail, no insert may wait for a query, every row that was
answered is there once, and no count goes back.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from localgcp.bigquery.emulator import BigQueryEmulator

WRITERS, READERS, ROWS = 8, 4, 100
TABLE = "soak.rows"
LONG = (
    f"SELECT COUNT(*) AS n FROM {TABLE} a, {TABLE} b, {TABLE} c, UNNEST(GENERATE_ARRAY(1, 1000)) d"
    " WHERE MOD(LENGTH(a.id) + LENGTH(b.id) * LENGTH(c.id) + d, 7) = 3"
)
COUNT = f"SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM {TABLE} GROUP BY writer"


@dataclass(slots=True)
class Told:
    """What came of it; times are seconds."""

    sent: int = 0
    inserts: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def _write(client: bigquery.Client, name: int, until: float, told: Told) -> None:
    number = 0
    while time.monotonic() < until:
        ids = [f"{name}-{number + each}" for each in range(ROWS)]
        rows = [{"writer": name, "id": id_, "text": "x" * 50} for id_ in ids]
        began = time.monotonic()
        wrong = client.insert_rows_json(TABLE, rows, row_ids=ids)
        with told.lock:
            told.inserts.append(time.monotonic() - began)
            told.sent += ROWS
            told.faults += [str(each) for each in wrong]
        number += ROWS


def _read(client: bigquery.Client, name: int, until: float, told: Told) -> None:
    before = 0
    while time.monotonic() < until:
        began = time.monotonic()
        found = list(client.query_and_wait(COUNT))
        rows, ids = sum(row.n for row in found), sum(row.ids for row in found)
        with told.lock:
            told.counts.append(time.monotonic() - began)
            if rows != ids or rows < before:
                told.faults.append(f"reader {name}: {rows} rows after {before}, {ids} ids")
        before = rows


def _hold(client: bigquery.Client, name: int, until: float, told: Told) -> None:
    """Long queries, the last of which is cancelled."""
    while time.monotonic() < until:
        job = client.query(LONG)
        while time.monotonic() < until and not job.done():
            time.sleep(0.2)
        if job.done() and job.error_result:
            told.faults.append(f"a long query failed: {job.error_result}")
        client.cancel_job(job.job_id)


def _guarded(work: Callable[..., None], *given: object, told: Told) -> None:
    try:
        work(*given, told)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault of the run
        with told.lock:
            told.faults.append(f"{work.__name__}: {type(error).__name__}: {error}")


def run(address: str, seconds: float) -> Told:
    """Everything at once, and the count at the end."""
    told, options = Told(), ClientOptions(api_endpoint=address)

    def client() -> bigquery.Client:
        return bigquery.Client("soak-project", AnonymousCredentials(), client_options=options)

    first = client()
    first.create_dataset("soak")
    columns = (("writer", "INTEGER"), ("id", "STRING"), ("text", "STRING"))
    schema = [bigquery.SchemaField(*column) for column in columns]
    first.create_table(bigquery.Table(f"soak-project.{TABLE}", schema))
    until = time.monotonic() + seconds
    parts = [_write] * WRITERS + [_read] * READERS + [_hold]
    threads = [
        threading.Thread(target=_guarded, args=(part, client(), name, until), kwargs={"told": told})
        for name, part in enumerate(parts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = first.query_and_wait(f"SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM {TABLE}")
    if (row.n, row.ids) != (told.sent, told.sent):
        told.faults.append(f"{told.sent} rows sent, {row.n} there, {row.ids} ids")
    return told


def _quantiles(times: list[float]) -> str:
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
    return f"{len(ordered)}, p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"


def main() -> int:
    """Run it, and say what came of it; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.bigquery", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--slowest", type=float, default=10, help="seconds that an insert may take")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        emulator = BigQueryEmulator(data_dir=Path(folder))
        emulator.start()
        try:
            told = run(f"http://127.0.0.1:{emulator.port}", asked.seconds)
        finally:
            emulator.stop()
    print(f"rows: {told.sent}; inserts: {_quantiles(told.inserts)}")
    print(f"counts: {_quantiles(told.counts)}")
    slowest = max(told.inserts)
    if slowest > asked.slowest:
        told.faults.append(f"an insert took {slowest:.1f} s")
    print(f"slowest insert: {slowest:.2f} s; faults: {len(told.faults)}")
    print("\n".join(told.faults[:10]))
    return 1 if told.faults else 0


if __name__ == "__main__":
    sys.exit(main())
