"""What the view of dead letters asks and does: look, edit, send again."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import Any

from local.asking import warehouse
from local.control_room.room import Api, BadCall, Call, Room
from local.dlq import MOST_REDRIVES
from local.drafts import Drafts
from local.letters import Wanted, letter_of, letters, stats, verdict
from local.redrive import redrive_all

MOST, SHOWN = 500, 100


def _wanted(asked: Any) -> Wanted:
    names = ("reason", "type", "state", "since", "until")
    given = [asked.get(name) or "" for name in names]
    if not all(isinstance(each, str) for each in given):
        raise BadCall("filter", given, "should be texts")
    reason, event_type, state, since, until = given
    return Wanted(reason, event_type, state, since, until)


def listed(room: Room, call: Call) -> Any:
    """The newest letters: `reason`, `type`, `state`, `since`, `until`, `limit`."""
    found = letters(warehouse(room.stack), _wanted(call.query))
    some = list(islice(found, call.number("limit", SHOWN, MOST)))
    return {"letters": [each.as_json() for each in some]}


def counted(room: Room, call: Call) -> Any:
    """How many, by reason, type, hour and state."""
    return stats(warehouse(room.stack), _wanted(call.query))


def one(room: Room, call: Call) -> Any:
    """One letter, its draft, and what the pipeline would say of that."""
    letter = letter_of(warehouse(room.stack), call.path["id"])
    draft = Drafts(room.data_dir).get(letter)
    reason, detail = verdict(draft if draft is not None else letter.data)
    text = None if draft is None else draft.decode(errors="replace")
    return {**letter.as_json(), "draft": text, "verdict": {"reason": reason, "detail": detail}}


def check(room: Room, call: Call) -> Any:
    """What the pipeline would say of a payload; nothing is kept."""
    reason, detail = verdict(call.text("payload").encode())
    return {"reason": reason, "detail": detail}


def edit(room: Room, call: Call) -> Any:
    """Keep an edited payload for the redrive; null forgets it."""
    letter = letter_of(warehouse(room.stack), call.text("event_id"))
    if call.body.get("payload") is None:
        Drafts(room.data_dir).drop(letter)
    else:
        Drafts(room.data_dir).put(letter, call.text("payload").encode())
    return one(room, Call(path={"id": letter.event_id}))


def redrive(room: Room, call: Call) -> Any:
    """Send letters again, or say what would be: `event_ids` or the filters, `dry_run`."""
    ids = call.body.get("event_ids", [])
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise BadCall("event_ids", ids, "should be a list of texts")
    found = letters(
        warehouse(room.stack), dataclasses.replace(_wanted(call.body), event_ids=tuple(ids))
    )
    dry = bool(call.body.get("dry_run", True))
    told = redrive_all(room.stack, Drafts(room.data_dir), found, dry, MOST_REDRIVES)
    return {**told, "letters": told["letters"][:SHOWN]}


APIS = (
    Api("GET", "/api/letters", listed),
    Api("GET", "/api/letters/stats", counted),
    Api("GET", "/api/letters/of/{id:path}", one),
    Api("POST", "/api/letters/check", check),
    Api("PUT", "/api/letters/draft", edit),
    Api("POST", "/api/letters/redrive", redrive),
)
