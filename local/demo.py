"""The whole way of an event in under a minute: start, publish, watch, drain, prove.

Uses a stack of its own on free ports, so it disturbs none that runs, and leaves its rows, files
and logs in the data folder to look at; or the stack that the environment attaches.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from google.cloud import bigquery, storage
from rich.console import Console

from event_types import registry
from local import messages, screen
from local.attached import Reachable
from local.errors import NotReady
from local.ledger import Ledger, read_published, reconcile
from local.observe import Sight, look
from local.publish import publish_all
from local.stored import read_stored
from local.supervise import Supervisor
from settings import Settings

VALID_EVENTS = 1_000
EVENTS_PER_MINUTE = 6_000
LOOK_SECONDS = 0.25
STALL_SECONDS = 20.0
"""No event stored for so long means that none will be: the ledger then says what is missing."""
SHOWN_FILES = 3


def run(stack: Reachable, supervisor: Supervisor | None, console: Console) -> Ledger:
    """Move events through a stack that is ready, drain its pipeline, and give the account.

    Without a supervisor something else runs the stack, and nothing is stopped: the pipeline acks
    a message only when it is stored, in tables and files, so an empty backlog says as much.
    """
    console.print(
        f"Publishing {VALID_EVENTS:,} events, 3 messages by hand, 20 malformed ones.", style="dim"
    )
    before = look(stack).stored
    _start_generator(stack)
    by_hand = publish_all(stack.names, (*messages.THREE, *messages.malformed()), attributes={})
    expected = before + VALID_EVENTS + len(by_hand)
    with screen.Progress(console) as progress:
        _watch_until_stored(stack, supervisor, expected, progress.show)
    if supervisor is not None:
        console.print("Draining the pipeline: windows close, files are written, messages acked.")
        supervisor.children["pipeline"].stop()
    ledger = reconcile(read_published(stack.publish_log), read_stored(stack.names))
    _show_tables(stack.names, console)
    _show_files(stack.names, console)
    console.print(screen.account(ledger))
    return ledger


def _start_generator(stack: Reachable) -> None:
    body = {
        "events_per_minute": EVENTS_PER_MINUTE,
        "duration_minutes": VALID_EVENTS / EVENTS_PER_MINUTE,
        "event_types": [each.name for each in registry.ALL],
    }
    request = Request(
        f"{stack.url('generator')}/generate/start",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urlopen(request, timeout=10.0) as reply:
        json.load(reply)


def _watch_until_stored(
    stack: Reachable, supervisor: Supervisor | None, expected: int, show: Callable[[Sight], None]
) -> None:
    stored, since = 0, time.monotonic()
    while True:
        sight = look(stack)
        show(sight)
        if sight.stored >= expected and sight.backlog == 0:
            return
        if sight.stored > stored:
            stored, since = sight.stored, sight.at
        if sight.at - since > STALL_SECONDS:
            return
        if supervisor is not None:
            _check_running(supervisor)
        time.sleep(LOOK_SECONDS)


def _check_running(supervisor: Supervisor) -> None:
    ended = supervisor.first_exit()
    if ended is not None:
        name, code = ended
        raise NotReady(name, f"exited with {code}", supervisor.children[name].log_file)


def _show_tables(names: Settings, console: Console) -> None:
    client = bigquery.Client(project=names.project_id, default_query_job_config=_dataset(names))
    for each in registry.ALL:
        key = each.cluster_by[0]
        result = client.query_and_wait(
            f"SELECT {each.partition_by} AS day, COUNT(*) AS events,\n"
            f"  COUNT(DISTINCT {key}) AS {key}s, MAX(publish_time) AS newest\n"
            f"FROM {each.table} GROUP BY 1 ORDER BY 1"
        )
        columns = [field.name for field in result.schema]
        rows: list[tuple[Any, ...]] = [tuple(row.values()) for row in result]
        console.print(screen.rows_table(f"{names.dataset}.{each.table}", columns, rows))


def _dataset(names: Settings) -> bigquery.QueryJobConfig:
    return bigquery.QueryJobConfig(default_dataset=f"{names.project_id}.{names.dataset}")


def _show_files(names: Settings, console: Console) -> None:
    blobs = storage.Client(project=names.project_id).list_blobs(names.bucket)
    files = [(blob.name, blob.size or 0) for blob in blobs]
    console.print(screen.file_tree(f"gs://{names.bucket}", files, SHOWN_FILES))
