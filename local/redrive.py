"""Sends dead letters again: first published, then marked, so that a stop in between loses none.

Each goes under its own event id, so a second time is a duplicate that BigQuery and the view know;
and with one more in its attribute `redrive_count`, which ends what would go round for ever.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from event_types.dead_letter import REDRIVE_COUNT
from local import bucket
from local.attached import Reachable
from local.drafts import Drafts
from local.errors import NotSent
from local.letters import OPEN, REDRIVES, Letter, verdict
from local.trace import DEAD_LETTERS, files_of, moment

BATCH = 500
CONFIRM_SECONDS = 60.0
READY, INVALID, DONE, ROUND, CUT = "ready", "still invalid", "redriven", "too often", "cut"
VERDICTS = {
    READY: "would be sent",
    INVALID: "would fail again: edit it first",
    DONE: "was sent again already",
    ROUND: "was sent again too often",
    CUT: "is cut in the table, and its whole payload is in no file",
}


@dataclass(frozen=True)
class Plan:
    """What would become of one letter."""

    letter: Letter
    verdict: str
    why: str
    data: bytes
    edited: bool

    def as_json(self) -> dict[str, Any]:
        """Without the payload."""
        return {
            "event_id": self.letter.event_id,
            "reason": self.letter.reason,
            "event_type": self.letter.event_type,
            "verdict": self.verdict,
            "why": self.why,
            "edited": self.edited,
        }


def plan(stack: Reachable, drafts: Drafts, letters: Iterable[Letter], most: int) -> Iterator[Plan]:
    """Look at each letter, with its draft where there is one; nothing is sent.

    One that was sent again `most` times is left out.
    """
    for letter in letters:
        draft = drafts.get(letter)
        edited = draft is not None
        if letter.state != OPEN:
            yield Plan(letter, DONE, f"at {letter.redriven_at}", b"", edited)
            continue
        if letter.redrives >= most:
            yield Plan(letter, ROUND, f"{letter.redrives} times, of at most {most}", b"", edited)
            continue
        data = draft if draft is not None else _whole(stack, letter)
        if data is None:
            yield Plan(letter, CUT, VERDICTS[CUT], b"", edited)
            continue
        reason, detail = verdict(data)
        said = f"{reason}: {detail}" if reason else VERDICTS[READY]
        yield Plan(letter, INVALID if reason else READY, said, data, edited)


def send(stack: Reachable, drafts: Drafts, plans: Iterable[Plan]) -> Iterator[Plan]:
    """Publish what is ready, a batch at a time, then mark it; gives each that was marked.

    Raises NotSent for what could not be published; what was marked before stays so.
    """
    from services.generator.fates import PublishFailed, ReservedAttribute
    from services.generator.publish import Publisher

    publisher = Publisher(stack.names.topic, stack.names.publish_log)
    ready = (each for each in plans if each.verdict == READY)
    try:
        while batch := list(islice(ready, BATCH)):
            try:
                receipts = [publisher.publish(each.data, _attributes(each)) for each in batch]
                for receipt in receipts:
                    receipt.result(CONFIRM_SECONDS)
            except (PublishFailed, ReservedAttribute, NotInTime) as error:
                raise NotSent(f"not redriven: {publisher.last_error or error}") from error
            _mark(stack, batch)
            for each in batch:
                drafts.drop(each.letter)
                yield each
    finally:
        publisher.close(CONFIRM_SECONDS)


def _attributes(planned: Plan) -> dict[str, str]:
    letter = planned.letter
    own = {"event_id": letter.event_id, REDRIVE_COUNT: str(letter.redrives + 1)}
    return {**letter.attributes, **own}


def _mark(stack: Reachable, batch: list[Plan]) -> None:
    from google.cloud import bigquery

    from services.table_manager.tables import ensure_table

    names, now = stack.names, datetime.now(UTC).isoformat()
    client = bigquery.Client(project=names.project_id)
    ensure_table(client, names.dataset, REDRIVES)
    rows = [
        {
            "event_id": each.letter.event_id,
            "redrive_count": each.letter.redrives + 1,
            "redriven_at": now,
            "edited": each.edited,
        }
        for each in batch
    ]
    ids = [f"{each.letter.redrives + 1} {each.letter.event_id}"[:128] for each in batch]
    errors = client.insert_rows_json(f"{names.dataset}.{REDRIVES.name}", rows, row_ids=ids)
    if errors:
        raise NotSent(f"published, but not marked as redriven: {errors[0]}")


def _whole(stack: Reachable, letter: Letter) -> bytes | None:
    """The payload as it was published: of a letter that is cut, from its file."""
    if not letter.payload_truncated:
        return letter.data
    when = moment(letter.publish_time)
    places = files_of(stack, DEAD_LETTERS, letter.reason, when, letter.event_id)
    for place in places:
        record = json.loads(bucket.read(stack, place.name).splitlines()[place.line - 1])
        text: str = record["payload"]
        return base64.b64decode(text) if record["payload_encoding"] == "base64" else text.encode()
    return None


def redrive_all(
    stack: Reachable, drafts: Drafts, found: Iterable[Letter], dry_run: bool, most: int
) -> dict[str, Any]:
    """Plan, and unless it is a dry run send; the counts by verdict, and each letter's."""
    plans = list(plan(stack, drafts, found, most))
    sent = 0 if dry_run else sum(1 for _ in send(stack, drafts, plans))
    counts: dict[str, int] = {}
    for each in plans:
        counts[each.verdict] = counts.get(each.verdict, 0) + 1
    return {
        "dry_run": dry_run,
        "sent": sent,
        "verdicts": counts,
        "letters": [each.as_json() for each in plans],
    }
