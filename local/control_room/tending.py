"""What the views of faults, logs and snapshots ask and do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import chaos, laptop, restoring, snapshots
from local.control_room.room import Api, BadCall, Call, Room
from local.errors import NotDone
from local.logs import readable, undated
from local.state import is_held, running
from local.tail import ending

TAIL_BYTES = 512 * 1024
MOST, SHOWN = 2_000, 300
CONTRACT_SECONDS = 60.0
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_WORSE = re.compile(r"\b(ERROR|CRITICAL|WARNING)\b|Traceback")


def faults(room: Room, call: Call) -> Any:
    """The switches, and all that is thrown."""
    return {"switches": chaos.state(room.stack), "thrown": chaos.thrown(room.stack)}


def turn(room: Room, call: Call) -> Any:
    """Turn a switch `on` or off."""
    on = call.body.get("on")
    if not isinstance(on, bool):
        raise BadCall("on", on, "should be true or false")
    chaos.turn(room.stack, call.path["name"], on)
    return _counted(room, call)


def throw(room: Room, call: Call) -> Any:
    """A fault of one's own: `part`, and the fault's fields."""
    fault = {name: value for name, value in call.body.items() if name != "part"}
    chaos.throw(room.stack, call.text("part"), fault)
    return _counted(room, call)


def clear(room: Room, call: Call) -> Any:
    """No fault anywhere."""
    chaos.clear(room.stack)
    return _counted(room, call)


def _counted(room: Room, call: Call) -> Any:
    room.sampler.count_faults()
    return faults(room, call)


def logs(room: Room, call: Call) -> Any:
    """The last lines of all parts, or of `part`; with `q` in them; the newest last."""
    part = call.query.get("part", "")
    if part and part not in laptop.PORTS:
        raise BadCall("part", part, f"should be one of {', '.join(laptop.PORTS)}")
    wanted, worse = call.query.get("q", "").lower(), bool(call.query.get("worse"))
    found = [
        line
        for each in ([part] if part else laptop.PORTS)
        for line in _lines(each, room.logs / f"{each}.log")
        if wanted in line["raw"].lower() and (line["severity"] or not worse)
    ]
    found.sort(key=lambda line: line["at"])
    kept = found[-call.number("limit", SHOWN, MOST) :]
    for line in kept:
        del line["raw"]
    return {"lines": kept, "there": room.logs.is_dir()}


def _lines(part: str, file: Path) -> Iterator[dict[str, Any]]:
    """A part's last lines; one without a time has that of the line before it."""
    at = ""
    for line in _tail(file):
        text = undated(readable(line))
        at = _time(line) or at
        match = _WORSE.search(text)
        severity = "" if match is None else match[1] or "ERROR"
        yield {"part": part, "at": at, "severity": severity, "text": text, "raw": line}


def _tail(file: Path) -> list[str]:
    text, is_cut = ending(file, TAIL_BYTES)
    return text.splitlines()[is_cut:]


def _time(line: str) -> str:
    if line.startswith("{"):
        try:
            return str(json.loads(line).get("time", ""))
        except (ValueError, AttributeError):
            return ""
    match = _TIME.match(line.lstrip("["))
    return match[0] if match else ""


def kept(room: Room, call: Call) -> Any:
    """Every snapshot; `here` is false beside containers, whose volumes are not this folder."""
    found = [snapshots.as_json(each) for each in snapshots.all_of(room.data_dir)]
    return {"snapshots": found, "here": is_held(room.data_dir)}


def keep(room: Room, call: Call) -> Any:
    """Take one of the running stack."""
    stack = running(room.data_dir)
    snapshots.save(room.data_dir, stack, call.text("name"))
    return kept(room, call)


def back(room: Room, call: Call) -> Any:
    """Go back to one: the stack, this server with it, ends and starts again."""
    return snapshots.as_json(restoring.ask(room.data_dir, call.text("name")))


def contract(room: Room, call: Call) -> Any:
    """What the code as it is on the disk now would break: asked of a process that reads it anew."""
    done = subprocess.run(
        [sys.executable, "-m", "local", "contract", "diff", "--json"],
        capture_output=True,
        text=True,
        timeout=CONTRACT_SECONDS,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise NotDone(done.stderr.strip())
    return {"types": json.loads(done.stdout)}


APIS = (
    Api("GET", "/api/faults", faults),
    Api("PUT", "/api/faults/{name}", turn),
    Api("POST", "/api/faults", throw),
    Api("DELETE", "/api/faults", clear),
    Api("GET", "/api/logs", logs),
    Api("GET", "/api/snapshots", kept),
    Api("POST", "/api/snapshots", keep),
    Api("POST", "/api/snapshots/back", back),
    Api("POST", "/api/contract", contract),
)
