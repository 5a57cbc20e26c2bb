"""Whether a stack is well: every part is asked, and one event is followed to its row and its file.

What is too much is what the cloud's alerts call so: terraform/monitoring/alerts.json.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from google.api_core.exceptions import NotFound
from google.cloud import bigquery, storage

from event_types.base import EventType
from event_types.order import ORDER
from local import alerts
from local.attached import Reachable
from local.errors import NotSent
from local.messages import order_at
from local.observe import Sight, look
from local.processes import READY_PATHS, answers, ready_url
from local.publish import publish_all
from local.stored import EVENT_FILES
from settings import Settings

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Finding:
    """What the check says of one part."""

    part: str
    ok: bool
    detail: str


def check(stack: Reachable, within: float) -> Iterator[Finding]:
    """Look at every part in turn, then follow an event; at most `within` seconds for its way.

    Raises NoRules where the alerts can't be read.
    """
    rules = alerts.rules()
    answering = [_answering(stack, name) for name in READY_PATHS if stack.url(name)]
    yield from answering
    now = look(stack)
    yield _job(now, rules["watermark_age"]["above"])
    yield _backlog(now, rules["oldest_unacked"]["above"])
    yield _dead_letters(now, rules["dead_letter_topic"]["above"])
    silent = [each.part for each in answering if not each.ok]
    if silent:
        yield Finding("event", False, f"not sent: {', '.join(silent)} can't take it")
    else:
        yield _event(stack.names, within)


def _answering(stack: Reachable, name: str) -> Finding:
    ok = answers(ready_url(stack, name))
    return Finding(name, ok, f"{'answers' if ok else 'does not answer'} at {stack.url(name)}")


def _job(now: Sight, most_seconds: float) -> Finding:
    if now.stalled:
        return Finding("job", False, f"stands still: {now.stalled}")
    if now.pipeline != "running" or now.watermark is None:
        return Finding("job", False, f"is {now.pipeline}, not running")
    age = (datetime.now(UTC) - datetime.fromisoformat(now.watermark)).total_seconds()
    return Finding("job", age <= most_seconds, f"running, its watermark {max(age, 0):.0f} s old")


def _backlog(now: Sight, most_seconds: float) -> Finding:
    if now.backlog is None or now.oldest_seconds is None:
        return Finding("backlog", False, "unknown: Pub/Sub has no such subscription, or is silent")
    said = f"{now.backlog:,} messages, the oldest {now.oldest_seconds:.0f} s old"
    return Finding("backlog", now.oldest_seconds <= most_seconds, said)


def _dead_letters(now: Sight, most: int) -> Finding:
    if now.dead_letter_backlog is None:
        return Finding("dead_letters", False, "unknown: Pub/Sub has no such subscription")
    said = f"{now.dead_letters:,} stored, {now.dead_letter_backlog:,} given up by Pub/Sub"
    return Finding("dead_letters", now.dead_letter_backlog <= most, said)


def _event(names: Settings, within: float) -> Finding:
    """Publish an event of now, and look for its row and its file until both are there."""
    kind, moment = ORDER, datetime.now(UTC)
    data = order_at(moment)
    began = time.monotonic()
    try:
        (event_id,) = publish_all(names, (data,), {"source": "check"})
    except NotSent as error:
        return Finding("event", False, str(error))
    places = {
        f"row in {kind.table}": _row_finder(names, kind, event_id),
        f"file of {kind.name}": _file_finder(names, kind, moment, event_id),
    }
    while True:
        places = {place: is_there for place, is_there in places.items() if not is_there()}
        seconds = time.monotonic() - began
        if not places:
            late = f", not within {within:g} s" if seconds > within else ""
            return Finding(
                "event", not late, f"{event_id}: row and file after {seconds:.1f} s{late}"
            )
        if seconds >= within:
            return Finding("event", False, f"{event_id}: no {', no '.join(places)} in {within:g} s")
        time.sleep(LOOK_SECONDS)


def _row_finder(names: Settings, kind: EventType, event_id: str) -> Callable[[], bool]:
    client = bigquery.Client(project=names.project_id)
    table = f"`{names.project_id}.{names.dataset}.{kind.table}`"
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("event_id", "STRING", event_id)]
    )

    def is_there() -> bool:
        sql = f"SELECT event_id FROM {table} WHERE event_id = @event_id"
        try:
            return any(client.query_and_wait(sql, job_config=config))
        except NotFound:
            return False  # the first event of its type: the table is still to be made

    return is_there


def _file_finder(
    names: Settings, kind: EventType, moment: datetime, event_id: str
) -> Callable[[], bool]:
    bucket = storage.Client(project=names.project_id).bucket(names.bucket)
    folder = f"{EVENT_FILES}{kind.name}/{moment:%Y/%m/%d/%H/%M}/"
    looked_at: set[str] = set()

    def is_there() -> bool:
        for blob in bucket.list_blobs(prefix=folder):
            if blob.name not in looked_at:
                looked_at.add(blob.name)  # an object is never rewritten
                if event_id.encode() in blob.download_as_bytes():
                    return True
        return False

    return is_there
