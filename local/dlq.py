"""`python -m local dlq`: dead letters, listed, shown, counted, edited and sent again."""

from __future__ import annotations

import argparse
import json
import sys
from argparse import Namespace
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from local.chosen import asked, connect, stack_of

Add = Callable[[str, str], argparse.ArgumentParser]
MOST_REDRIVES = 3
SHOWN = 20


def options(add: Add) -> None:
    """Add the verbs to the command line."""
    listed = add("list", "the newest letters")
    _which(listed)
    listed.add_argument("-n", "--limit", type=int, default=SHOWN, metavar="N", help="default: 20")
    add("show", "one letter, whole").add_argument("event_id", metavar="EVENT_ID")
    _which(add("stats", "how many, by reason, type, hour and state"))
    edit = add("edit", "change a payload for the time that it is redriven")
    edit.add_argument("event_id", metavar="EVENT_ID")
    edit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="set one field: items.0.quantity=2; may be given again",
    )
    edit.add_argument("--file", help="take the whole payload from a file, or - for standard input")
    edit.add_argument("--drop", action="store_true", help="forget the edit")
    redrive = add("redrive", "send letters again: published first, then marked")
    _which(redrive)
    redrive.add_argument("event_ids", nargs="*", metavar="EVENT_ID", help="these alone")
    redrive.add_argument("--dry-run", action="store_true", help="say what would be sent")
    redrive.add_argument("--limit", type=int, metavar="N", help="at most so many letters")
    redrive.add_argument(
        "--max-redrives",
        type=int,
        default=MOST_REDRIVES,
        metavar="N",
        help="leave out what was sent again so often already (default: %(default)s)",
    )


def _which(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--reason", default="", help="with this reason")
    verb.add_argument("--type", default="", help="meant for this event type")
    verb.add_argument("--state", default="", help="open or redriven")
    verb.add_argument("--since", default="", metavar="TIME", help="failed since (RFC 3339)")
    verb.add_argument("--until", default="", metavar="TIME", help="failed before")


def dlq(args: Namespace) -> int:
    """Do one verb."""
    return VERBS[args.verb](args)


def _list(args: Namespace) -> int:
    from local.asking import warehouse
    from local.letters import letters

    found = list(islice(letters(warehouse(stack_of(args)), _wanted(args)), max(0, args.limit)))
    if args.json:
        print(json.dumps([each.as_json() for each in found]))
    for each in () if args.json else found:
        print(f"{each.failed_at[:19]}  {each.event_id}  {each.reason}  {each.state}  {each.detail}")
    return 0


def _show(args: Namespace) -> int:
    from local.asking import warehouse
    from local.drafts import Drafts
    from local.letters import letter_of, verdict

    letter = letter_of(warehouse(stack_of(args)), args.event_id)
    draft = Drafts(asked(args).data_dir).get(letter)
    told = {**letter.as_json(), "draft": None if draft is None else draft.decode(errors="replace")}
    if args.json:
        print(json.dumps(told))
        return 0
    for name, value in told.items():
        if name not in ("payload", "draft"):
            print(f"{name:18} {json.dumps(value) if isinstance(value, dict | list) else value}")
    print(f"\n{letter.payload}")
    if draft is not None:
        reason, detail = verdict(draft)
        print(f"\nedited ({f'{reason}: {detail}' if reason else 'valid'}):\n{told['draft']}")
    return 0


def _stats(args: Namespace) -> int:
    from local.asking import warehouse
    from local.letters import stats

    found = stats(warehouse(stack_of(args)), _wanted(args))
    if args.json:
        print(json.dumps(found))
        return 0
    print(f"{found['total']:,} dead letters")
    for name in ("reason", "type", "state", "hour"):
        for value, count in found[name].items():
            print(f"  {name:7} {value:24} {count:>8,}")
    return 0


def _edit(args: Namespace) -> int:
    from local.asking import warehouse
    from local.drafts import Drafts, changed
    from local.errors import BadEdit
    from local.letters import letter_of, verdict

    letter = letter_of(warehouse(stack_of(args)), args.event_id)
    drafts = Drafts(asked(args).data_dir)
    if args.drop:
        _say(args, {"event_id": letter.event_id, "dropped": drafts.drop(letter)})
        return 0
    if not args.file and not args.set:
        raise BadEdit("give --set PATH=VALUE, --file FILE or --drop")
    before = _read(args.file) if args.file else drafts.get(letter) or letter.data
    after = changed(before, args.set) if args.set else before
    drafts.put(letter, after)
    reason, detail = verdict(after)
    _say(args, {"event_id": letter.event_id, "valid": not reason, "reason": reason, "why": detail})
    return 0


def _read(file: str) -> bytes:
    from local.errors import BadEdit

    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadEdit(f"--file {file}: {error.strerror}") from error


def _redrive(args: Namespace) -> int:
    from local.asking import warehouse
    from local.drafts import Drafts
    from local.letters import letters
    from local.redrive import redrive_all

    stack = stack_of(args) if args.dry_run else connect(args)
    found = islice(letters(warehouse(stack), _wanted(args)), args.limit)
    drafts = Drafts(asked(args).data_dir)
    told = redrive_all(stack, drafts, found, args.dry_run, args.max_redrives)
    if args.json:
        print(json.dumps(told))
        return 0
    for each in told["letters"]:
        print(f"{each['event_id']}  {each['verdict']}  {each['why']}")
    ready = told["verdicts"].get("ready", 0)
    print(f"{ready} would be sent" if args.dry_run else f"{told['sent']} sent")
    return 0


def _wanted(args: Namespace) -> Any:
    from local.letters import Wanted

    ids = tuple(getattr(args, "event_ids", ()))
    return Wanted(args.reason, args.type, args.state, args.since, args.until, ids)


def _say(args: Namespace, told: dict[str, Any]) -> None:
    if args.json:
        print(json.dumps(told))
    else:
        print("  ".join(f"{name}: {value}" for name, value in told.items() if value != ""))


VERBS: dict[str, Callable[[Namespace], int]] = {
    "list": _list,
    "show": _show,
    "stats": _stats,
    "edit": _edit,
    "redrive": _redrive,
}
