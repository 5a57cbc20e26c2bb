"""Faults thrown at a running stack on purpose: named switches, or one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.attached import Reachable
from local.errors import NoSwitch
from local.wire import ask

EMULATORS = ("pubsub", "bigquery", "storage")


@dataclass(frozen=True)
class Switch:
    """One fault with a name."""

    name: str
    part: str
    """The emulator that it is thrown at."""
    about: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    """As `/_emulator/faults` takes it."""


SWITCHES = (
    Switch(
        "bigquery-down",
        "bigquery",
        "BigQuery takes no row: every insert answers 503. The backlog grows, and nothing is lost.",
        {"match": "POST */insertAll", "code": "UNAVAILABLE"},
    ),
    Switch(
        "bigquery-slow",
        "bigquery",
        "Every insert takes two seconds longer.",
        {"match": "POST */insertAll", "delay_seconds": 2},
    ),
    Switch(
        "bigquery-flaky",
        "bigquery",
        "One insert in four answers 500.",
        {"match": "POST */insertAll", "code": "INTERNAL", "rate": 0.25},
    ),
    Switch(
        "rows-refused",
        "bigquery",
        "One row in four is refused for the moment, and the rest of its request stored.",
        {"match": "POST */insertAll", "effect": "refuse", "rate": 0.25},
    ),
    Switch(
        "storage-down",
        "storage",
        "The bucket takes no object: rows are stored, and messages wait for their files.",
        {"match": "POST /upload/*", "code": "UNAVAILABLE"},
    ),
    Switch(
        "storage-slow",
        "storage",
        "Every upload takes two seconds longer.",
        {"match": "POST /upload/*", "delay_seconds": 2},
    ),
    Switch(
        "publish-down",
        "pubsub",
        "Pub/Sub takes no message: the generator keeps and retries.",
        {"match": "Publish", "code": "UNAVAILABLE"},
    ),
    Switch(
        "publish-slow",
        "pubsub",
        "Every publish takes half a second longer.",
        {"match": "Publish", "delay_seconds": 0.5},
    ),
    Switch(
        "acks-lost",
        "pubsub",
        "Half of the acks answer 503: what was stored comes again, and is known again.",
        {"match": "Acknowledge", "code": "UNAVAILABLE", "rate": 0.5},
    ),
    Switch(
        "acks-dropped",
        "pubsub",
        "Half of the acks answer OK and nothing happens: all of it comes again.",
        {"match": "Acknowledge", "effect": "lose", "rate": 0.5},
    ),
    Switch(
        "delivered-twice",
        "pubsub",
        "One message in four is delivered once more at once, and stored once.",
        {"match": "*Pull", "effect": "duplicate", "rate": 0.25},
    ),
    Switch(
        "out-of-order",
        "pubsub",
        "The messages of every response are shuffled.",
        {"match": "*Pull", "effect": "reorder"},
    ),
    Switch(
        "streams-broken",
        "pubsub",
        "Every stream of messages breaks off after two seconds; clients open another.",
        {"match": "StreamingPull", "effect": "reset", "delay_seconds": 2},
    ),
)


def switch(name: str) -> Switch:
    """The switch called `name`. Raises NoSwitch."""
    found = next((each for each in SWITCHES if each.name == name), None)
    if found is None:
        raise NoSwitch(name, [each.name for each in SWITCHES])
    return found


def thrown(stack: Reachable) -> dict[str, dict[str, Any]]:
    """The faults of each emulator, with how many calls each has met. Raises Refused."""
    return {part: ask("GET", _url(stack, part)) for part in EMULATORS}


def state(stack: Reachable) -> list[dict[str, Any]]:
    """Each switch, whether it is on, and how many calls it has met. Raises Refused."""
    now = thrown(stack)
    found = []
    for each in SWITCHES:
        on = next((f for f in now[each.part]["faults"] if _same(f, each.fault)), None)
        met = on["met"] if on else 0
        about = {"name": each.name, "part": each.part, "about": each.about}
        found.append({**about, "fault": dict(each.fault), "on": on is not None, "met": met})
    return found


def turn(stack: Reachable, name: str, on: bool) -> None:
    """Turn a switch on or off; the emulator's other faults stay. Raises NoSwitch, Refused."""
    found = switch(name)
    now = ask("GET", _url(stack, found.part))
    others = [_asked(each) for each in now["faults"] if not _same(each, found.fault)]
    faults = [*others, dict(found.fault)] if on else others
    ask("PUT", _url(stack, found.part), {"faults": faults, "seed": now["seed"]})


def throw(stack: Reachable, part: str, fault: Mapping[str, Any]) -> None:
    """Add a fault of one's own. Raises NoSwitch for no emulator, Refused for no fault."""
    if part not in EMULATORS:
        raise NoSwitch(part, list(EMULATORS))
    now = ask("GET", _url(stack, part))
    faults = [*(_asked(each) for each in now["faults"]), dict(fault)]
    ask("PUT", _url(stack, part), {"faults": faults, "seed": now["seed"]})


def clear(stack: Reachable) -> None:
    """No fault anywhere. Raises Refused."""
    for part in EMULATORS:
        ask("DELETE", _url(stack, part))


def _url(stack: Reachable, part: str) -> str:
    return f"{stack.url(part)}/_emulator/faults"


def _same(thrown: Mapping[str, Any], fault: Mapping[str, Any]) -> bool:
    plain = {"code": "", "rate": 1.0, "times": None, "delay_seconds": 0.0, "effect": ""}
    return _asked(thrown) == {**plain, **fault}


def _asked(thrown: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thrown.items() if name != "met"}
