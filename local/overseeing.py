"""The commands `alerts`, `contract`, `seed` and `topics`, a function each; gives the exit code."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any

from local.chosen import connect, stack_of
from local.errors import NotDone
from local.wire import Refused, ask

Add = Callable[[str, str], argparse.ArgumentParser]
SHOWN, CHECKED = 10, 1_000


def contract_options(add: Add) -> None:
    """The verbs of `contract`."""
    add("list", "what becomes of fields and columns too many, by event type")
    change = add("set", "give an event type another contract; what runs takes it up by itself")
    change.add_argument("type", metavar="TYPE")
    change.add_argument("contract", choices=("evolve", "freeze", "discard", "default"))
    diff = add("diff", "hold the code against tables and stored events; exit code 1 if any breaks")
    diff.add_argument("types", nargs="*", metavar="TYPE", help="these event types alone")
    diff.add_argument(
        "-n", "--events", type=int, default=CHECKED, metavar="N", help="newest of each type"
    )


def topics_options(add: Add) -> None:
    """The verbs of `topics`."""
    add("list", "topics, subscriptions, and what waits in them")
    peek = add("peek", "look at messages without taking them")
    peek.add_argument("name", metavar="NAME", help="a topic or a subscription")
    peek.add_argument("-n", "--limit", type=int, default=SHOWN, metavar="N")
    publish = add("publish", "publish one message")
    publish.add_argument("name", metavar="TOPIC")
    publish.add_argument("data", metavar="TEXT")
    publish.add_argument("--attribute", action="append", default=[], metavar="KEY=VALUE")
    seek = add("seek", "have a subscription begin again at a time")
    seek.add_argument("name", metavar="SUBSCRIPTION")
    seek.add_argument("time", metavar="TIME", help="RFC 3339")
    add("purge", "drop all that waits in a subscription").add_argument(
        "name", metavar="SUBSCRIPTION"
    )


def alerts(args: Namespace) -> int:
    """The cloud's alert rules, evaluated here; exit code 1 if one fires."""
    stack = stack_of(args)
    try:
        found = ask("GET", f"{stack.url('control_room')}/api/alerts")["alerts"]
    except Refused as error:
        raise NotDone(f"the control room, which evaluates them, is silent: {error}") from error
    if args.json:
        print(json.dumps(found))
    else:
        for each in found:
            value = "-" if each["value"] is None else f"{each['value']:g}"
            print(f"{each['state']:12} {each['severity']:8} {value:>8}  {each['title']}")
    return int(any(each["state"] == "firing" for each in found))


def contract(args: Namespace) -> int:
    """What the code as it stands now would break, or what each type is under."""
    if args.verb != "diff":
        return _governed(args)
    from local.contract import diff

    found = list(diff(stack_of(args), args.types, max(0, args.events)))
    if args.json:
        print(json.dumps([each.as_json() for each in found]))
    else:
        for each in found:
            print(f"{each.event_type}: {each.failing} of {each.checked} stored events would fail")
            for change in each.changes:
                mark = "  BREAKS" if change.breaks else ""
                print(f"  {change.what} {change.column}: {change.table} -> {change.code}{mark}")
            for failure in each.failures:
                print(f"  {failure.event_id}: {failure.reason}, {failure.detail}")
    return int(not all(each.is_safe for each in found))


def _governed(args: Namespace) -> int:
    names = connect(args).names
    from local import contracts

    if args.verb == "set":
        contracts.change(names, args.type, args.contract)
    found = contracts.all_of(names)
    if args.json:
        print(json.dumps(found))
        return 0
    for name, each in found.items():
        print(f"{name:16} {each}")
    return 0


def seed(args: Namespace) -> int:
    """Fill the days before today."""
    stack = connect(args)
    from datetime import UTC, datetime

    from local.seed import seed as fill

    found = fill(stack, args.days, args.per_day, datetime.now(UTC).date())
    _say(args, found, [f"{count:>8,} {name}" for name, count in found.items()])
    return 0


def topics(args: Namespace) -> int:
    """Do one verb of `topics`."""
    stack = connect(args) if args.verb == "publish" else stack_of(args)
    try:
        return _topics(args, stack)
    except Refused as error:
        raise NotDone(str(error)) from error


def _topics(args: Namespace, stack: Any) -> int:
    from local import topics as places

    if args.verb == "list":
        there = places.overview(stack)
        waits = [(each["backlog"], each["name"]) for each in there["subscriptions"]]
        _say(args, there, [f"{count:>8,} waiting  {name}" for count, name in waits])
        return 0
    kind, name = places.place_of(stack, args.name)
    if args.verb == "peek":
        found = places.peek(stack, kind, name, args.limit)
        _say(args, found, [f"{each['messageId']:>8} {each['data']}" for each in found])
        return 0
    wanted = places.TOPIC if args.verb == "publish" else places.SUBSCRIPTION
    if kind != wanted:
        raise NotDone(f"{args.name} is a {kind}, not a {wanted}")
    if args.verb == "publish":
        pairs = dict(each.partition("=")[::2] for each in args.attribute)
        id_ = places.publish(stack, name, args.data.encode(), pairs)
        _say(args, {"id": id_}, [id_])
        return 0
    if args.verb == "seek":
        places.seek(stack, name, args.time)
    else:
        places.purge(stack, name)
    _say(args, {"done": args.verb, "subscription": name}, [f"{args.verb}: {name}"])
    return 0


def _say(args: Namespace, document: Any, lines: Sequence[str]) -> None:
    print(json.dumps(document) if args.json else "\n".join(lines))
