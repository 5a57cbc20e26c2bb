"""What a campaign throws at a stack: each fault, how it is done, and what it needs of the machine.

Some take something away for a while and give it back: a disk's room, a bucket, a table's schema.
What had been stored there is put back as a user would, from a copy or by a replay, so that all that
is missing at the end was lost on its way.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, cycle, islice
from pathlib import Path
from random import Random

import settings
from local.errors import NotDone
from local.processes import EMULATORS
from local.stack import Stack
from local.supervise import Supervisor

PARTS = (*EMULATORS, "table_manager", "pipeline", "generator")
HELD_SECONDS = 5.0
"""How long a fault lasts that is taken back."""
DRAINING_SECONDS = (0.05, 1.0)
SMALL_DISK, MOST_FILLED = "1g", 4 << 30
YEAR_SECONDS = 365 * 24 * 3600
WALL_CLOCK = Path(__file__).with_name("wall_clock.c")
_NUMBER = re.compile(r"(\d+)(\.json)$")


@dataclass(frozen=True)
class Fault:
    """What is done to which parts."""

    kind: str
    parts: tuple[str, ...]
    """Parts; of `drop`, `retype` and `narrow` a table, of `clock` by how much it is set wrong."""

    def __str__(self) -> str:
        every = len(self.parts) == len(PARTS)
        return f"{self.kind} {'all' if every else ' + '.join(self.parts)}"

    @property
    def ends_the_stack(self) -> bool:
        """Whether a part ends by it."""
        return self.kind in ("kill", "drain")

    @property
    def replayed(self) -> bool:
        """Whether a table is made again from the files once all is quiet."""
        return self.kind in ("drop", "retype")


FAULTS = (
    *(Fault("kill", (part,)) for part in PARTS),
    *(Fault("stop", (part,)) for part in PARTS),
    *(Fault("drain", (part,)) for part in PARTS),
    *(Fault("kill", pair) for pair in combinations(PARTS[:3], 2)),
    *(Fault("kill", (part, "pipeline")) for part in EMULATORS),
    *(Fault("stop", (part, "pipeline")) for part in EMULATORS),
    Fault("kill", PARTS),
    Fault("fill", ("disk",)),
    Fault("clock", ("+5y",)),
    Fault("clock", ("-5y",)),
    Fault("unmake", ("bucket",)),
    Fault("drop", ("orders",)),
    Fault("retype", ("orders",)),
    Fault("narrow", ("orders",)),
)


def planned(seed: int, rounds: int | None, faults: tuple[Fault, ...] = FAULTS) -> list[Fault]:
    """The faults of a campaign: all of them before one comes again, in the seed's order."""
    order = list(faults)
    Random(seed).shuffle(order)
    return list(islice(cycle(order), len(order) if rounds is None else rounds))


def named(text: str) -> tuple[Fault, ...]:
    """The faults that have `text` in their names. Raises NotDone where none has."""
    found = tuple(each for each in FAULTS if text in str(each))
    if not found:
        raise NotDone(f"no fault is called {text!r}: {', '.join(map(str, FAULTS))}")
    return found


def possible(fault: Fault) -> str | None:
    """Why this machine can't throw it; None if it can."""
    if fault.kind == "clock" and not (sys.platform == "linux" and shutil.which("cc")):
        return "a C compiler (cc) makes the clock, on Linux"
    if fault.kind == "fill" and (os.geteuid() or sys.platform != "linux"):
        return "a small disk is mounted by root, on Linux"
    return None


class Hazards:
    """Throws faults at one stack after another that keep their data in one folder."""

    def __init__(self, folder: Path, rng: Random) -> None:
        self._rng, self._clock, self._filler = rng, folder / "clock", folder / "filler"

    def environ(self, fault: Fault) -> dict[str, str]:
        """What the stack's processes need in their environment for it. Raises NotDone."""
        if fault.kind != "clock":
            return {}
        library = self._clock.with_suffix(".so")
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            _run("cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(WALL_CLOCK), "-ldl")
        self.set_clock(0)
        return {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._clock)}

    def set_clock(self, seconds: int) -> None:
        """Have the wall clock be wrong; in place, since programs have the file mapped."""
        with self._clock.open("r+b" if self._clock.exists() else "wb", buffering=0) as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    def throw(self, fault: Fault, stack: Stack, supervisor: Supervisor) -> Callable[[], None]:
        """Do it, and take back what is taken back; gives what is left to do once all is quiet.

        Raises NotDone.
        """
        match fault.kind:
            case "kill" | "drain" | "stop":
                self._signal(fault, supervisor)
            case "fill":
                with filled(self._filler):
                    time.sleep(HELD_SECONDS)
            case "clock":
                self.set_clock(int(fault.parts[0].removesuffix("y")) * YEAR_SECONDS)
                time.sleep(HELD_SECONDS)
                self.set_clock(0)
            case "unmake":
                return _unmake(stack)
            case "drop":
                _drop(stack, fault.parts[0])
            case "retype":
                _retype(stack, fault.parts[0])
            case "narrow":
                _narrow(stack, fault.parts[0])
        return lambda: None

    def _signal(self, fault: Fault, supervisor: Supervisor) -> None:
        groups = [supervisor.children[part].pid for part in fault.parts]
        if fault.kind == "drain":
            os.kill(groups[0], signal.SIGTERM)
            time.sleep(self._rng.uniform(*DRAINING_SECONDS))
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGSTOP if fault.kind == "stop" else signal.SIGKILL)
        if fault.kind == "stop":
            time.sleep(HELD_SECONDS)
            for group in groups:
                os.killpg(group, signal.SIGCONT)
        else:
            supervisor.watch(threading.Event())


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 1 GiB under `folder`, in memory; its logs stay when it goes. Raises NotDone."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(folder):  # else a campaign that was killed left it
        _run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "campaign", str(folder))
    try:
        yield
    finally:
        kept = folder.with_name(f"{folder.name}-logs")
        shutil.rmtree(kept, ignore_errors=True)
        if (folder / "logs").is_dir():
            shutil.copytree(folder / "logs", kept)
        _run("umount", str(folder))


@contextlib.contextmanager
def filled(filler: Path) -> Iterator[None]:
    """No room is left on the disk of `filler` inside of the block. Raises NotDone."""
    if shutil.disk_usage(filler.parent).total > MOST_FILLED:
        raise NotDone(f"{filler.parent} is no small disk: it would take too long to fill")
    with filler.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):  # the end is what is wanted
            while file.write(b"\0" * (1 << 20)):
                pass
        try:
            yield
        finally:
            file.truncate(0)
            filler.unlink()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotDone(f"{' '.join(command)}: {done.stderr.strip()}")


def _unmake(stack: Stack) -> Callable[[], None]:
    """The bucket goes, with all that is in it, and is empty when it comes back."""
    from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
    from google.cloud import storage

    from local import provision

    bucket = storage.Client(project=stack.names.project_id).bucket(stack.names.bucket)
    copies: dict[str, bytes] = {}
    while True:  # the job writes meanwhile
        for blob in bucket.list_blobs():
            with contextlib.suppress(NotFound):
                copies[blob.name] = blob.download_as_bytes()
                blob.delete()
        with contextlib.suppress(Conflict):
            bucket.delete()
            break
    time.sleep(HELD_SECONDS)
    provision.stores(stack)

    def put_back(name: str, content: bytes) -> None:
        try:
            bucket.blob(name).upload_from_string(content, if_generation_match=0)
        except PreconditionFailed:  # the job has begun to count anew
            put_back(_NUMBER.sub(lambda found: f"{int(found[1]) + 1}{found[2]}", name), content)

    def put_all_back() -> None:
        for name, content in copies.items():
            put_back(name, content)

    return put_all_back


def _drop(stack: Stack, table: str) -> None:
    from google.cloud import bigquery

    client = bigquery.Client(project=stack.names.project_id)
    client.delete_table(f"{stack.names.dataset}.{table}", not_found_ok=True)


def _retype(stack: Stack, table: str) -> None:
    """The table is another one of the same name: no event fits its first column."""
    from google.cloud import bigquery

    client = bigquery.Client(project=stack.names.project_id)
    name = f"{client.project}.{stack.names.dataset}.{table}"
    there = client.get_table(name)
    client.delete_table(name)
    _, *others = there.schema
    wrong = bigquery.SchemaField("event_type", "INTEGER", "REQUIRED")
    client.create_table(bigquery.Table(name, schema=[wrong, *others]))


def _narrow(stack: Stack, table: str) -> None:
    """The table loses its last column that events fill and nothing is clustered by."""
    from google.cloud import bigquery

    client = bigquery.Client(project=stack.names.project_id)
    name = f"{client.project}.{stack.names.dataset}.{table}"
    client.query_and_wait(f"ALTER TABLE `{name}` DROP COLUMN total_amount")


def replay(stack: Stack, table: str) -> None:
    """The table is made again from the files. Raises NotDone."""
    _drop(stack, table)
    span = ("--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z")
    command = (sys.executable, "-m", "pipeline.replay", *span)
    environ = settings.child_environ(stack.environ())
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotDone(f"replay ended with {done.returncode}: {done.stderr.strip()}")
