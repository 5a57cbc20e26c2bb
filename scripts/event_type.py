"""What the shell scripts ask of the event types: `python scripts/event_type.py COMMAND [NAME]`.

names                each event type's name
tables               each event type's name and its table's
event NAME           a believable event of that type, of this moment, as one line of JSON
differences NAME     a table as `bq show --format=json` tells it comes in; what differs from
                     the table of record goes out, a line each, and the exit code is 1
path NAME            reads an event; gives the folder of its minute, below the bucket
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from event_types import registry
from event_types.base import EventType

# The API answers with the older names of two types, whichever were given to it.
OLDER_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "STRUCT": "RECORD", "BOOL": "BOOLEAN"}

Fields = list[dict[str, Any]]


def event(kind: EventType) -> str:
    """A believable event of this moment."""
    return kind.fake(Random(), datetime.now(UTC)).model_dump_json()


def folder(kind: EventType, text: str) -> str:
    """Where the pipeline stores this event's file: output/TYPE/YYYY/MM/DD/HH/mm/."""
    moment = kind.time_of(kind.model.model_validate_json(text))
    return f"output/{kind.name}/{moment:%Y/%m/%d/%H/%M}/"


def differences(kind: EventType, found: dict[str, Any]) -> Iterator[str]:
    """What the table is and should not be; more columns than those of record are no fault."""
    wanted = kind.layout
    partition = found.get("timePartitioning", {})
    clustering = found.get("clustering", {}).get("fields", [])
    if (partition.get("type"), partition.get("field")) != ("DAY", wanted.partition_by):
        yield f"partitioned by {partition}, not by DAY of {wanted.partition_by}"
    if clustering != list(wanted.cluster_by):
        yield f"clustered by {clustering}, not by {list(wanted.cluster_by)}"
    yield from _columns(found.get("schema", {}).get("fields", []), wanted.schema_to_api(), "")


def _columns(found: Fields, wanted: Fields, prefix: str) -> Iterator[str]:
    by_name = {each["name"]: each for each in found}
    for column in wanted:
        name = prefix + column["name"]
        if column["name"] not in by_name:
            yield f"column {name} is absent"
            continue
        there = by_name[column["name"]]
        is_, should = _kind(there), _kind(column)
        if is_ != should:
            yield f"column {name} is {is_}, not {should}"
        yield from _columns(there.get("fields", []), column.get("fields", []), f"{name}.")


def _kind(column: dict[str, Any]) -> str:
    kind = column["type"]
    return f"{column.get('mode', 'NULLABLE')} {OLDER_NAMES.get(kind, kind)}"


def main(command: str, name: str = "") -> int:
    """Run one command; gives its exit code."""
    if command in ("names", "tables"):
        for each in registry.ALL:
            print(each.name if command == "names" else f"{each.name} {each.table}")
        return 0
    kind = registry.by_name(name)
    if command == "event":
        print(event(kind))
    elif command == "path":
        print(folder(kind, sys.stdin.read()))
    elif command == "differences":
        faults = list(differences(kind, json.load(sys.stdin)))
        print("\n".join(faults))
        return 1 if faults else 0
    else:
        raise SystemExit(f"unknown command {command}; there are:\n{__doc__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
