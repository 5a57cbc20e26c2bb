"""A campaign of faults against a stack of its own, by a seed: thrown, waited out, and counted.

Each round puts a load on the stack and throws one fault in the middle of it. What ends a part ends
the stack (ADR 4), so it is started again, as a user would. The round is over when Pub/Sub has
nothing left to deliver; then the ledger says what was lost or came twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, cycle, islice
from random import Random
from urllib.request import Request, urlopen

import settings
from event_types import registry
from local import laptop, run
from local.attached import Reachable
from local.errors import NotDone
from local.ledger import Ledger, read_published, reconcile
from local.observe import look
from local.processes import EMULATORS
from local.stack import Stack
from local.supervise import Log, Supervisor

PARTS = (*EMULATORS, "table_manager", "pipeline", "generator")
WINDOW_SECONDS = "2"
LOAD_SECONDS = 6.0
BEFORE_SECONDS = (1.0, 4.0)
"""How far into its load a round's fault comes."""
STOPPED_SECONDS = 5.0
DRAINING_SECONDS = (0.05, 1.0)
SETTLE_SECONDS = 180.0
LOOK_SECONDS = 0.2
HEADINGS = "round  fault                               sent  back in  lost  rows lines"
"""Over the rounds; the last two count duplicates."""


@dataclass(frozen=True)
class Fault:
    """What is done to which parts."""

    kind: str
    """kill, stop, drain (killed while it drains) or drop (its table is dropped, and replayed)."""
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {' + '.join(self.parts)}"

    @property
    def ends_the_stack(self) -> bool:
        """Whether a part ends by it."""
        return self.kind in ("kill", "drain")


FAULTS = (
    *(Fault("kill", (part,)) for part in PARTS),
    *(Fault("stop", (part,)) for part in PARTS),
    *(Fault("kill", pair) for pair in combinations(PARTS[:3], 2)),
    *(Fault("kill", (part, "pipeline")) for part in EMULATORS),
    *(Fault("stop", (part, "pipeline")) for part in EMULATORS),
    Fault("drain", ("pipeline",)),
    Fault("drop", ("orders",)),
)


@dataclass(frozen=True)
class Round:
    """What one fault came to. The counts are of this round alone."""

    number: int
    fault: Fault
    published: int
    recovered: float
    """Seconds from the restart, or from the fault's end, until nothing was left to deliver."""
    lost: int
    duplicated_rows: int
    duplicated_lines: int

    def __str__(self) -> str:
        return (
            f"{self.number:>5}  {self.fault!s:32} {self.published:>7,} {self.recovered:>6.1f} s "
            f"{self.lost:>5,} {self.duplicated_rows:>5,} {self.duplicated_lines:>5,}"
        )


def planned(seed: int, rounds: int) -> list[Fault]:
    """The faults of a campaign: all of them before one comes again, in the seed's order."""
    order = list(FAULTS)
    Random(seed).shuffle(order)
    return list(islice(cycle(order), rounds))


class Campaign:
    """Runs the rounds; `told` takes each as it is over."""

    def __init__(
        self, asked: laptop.Asked, seed: int, rate: int, log: Log, told: Callable[[Round], object]
    ) -> None:
        """`rate` is in events a second."""
        self._asked, self._rng, self._rate = asked, Random(seed), rate
        self._log, self._told = log, told
        self._before = _nothing()
        self._number = 0

    def run(self, faults: list[Fault]) -> Ledger:
        """Throw them all; gives the account of everything. Raises NotDone where nothing settles."""
        left = iter(faults)
        thrown: Fault | None = None
        since = time.monotonic()
        while True:
            with self._stack(fresh=thrown is None) as (stack, supervisor):
                for fault in self._settled_then(left, stack, thrown, since):
                    thrown = fault
                    self._load(stack)
                    time.sleep(self._rng.uniform(*BEFORE_SECONDS))
                    since = self._throw(fault, stack, supervisor)
                    if fault.ends_the_stack:
                        break
                    self._settle(stack, fault, since)
                    thrown = None
                else:
                    return self._before
            since = time.monotonic()

    def _settled_then(
        self, left: Iterator[Fault], stack: Stack, thrown: Fault | None, since: float
    ) -> Iterator[Fault]:
        if thrown is not None:
            self._settle(stack, thrown, since)
        yield from left

    @contextlib.contextmanager
    def _stack(self, fresh: bool) -> Iterator[tuple[Stack, Supervisor]]:
        fresh = fresh and self._number == 0
        extra = {"WINDOW_SECONDS": WINDOW_SECONDS}
        with run.started(self._asked, self._log, extra, fresh=fresh) as there:
            yield there

    def _load(self, stack: Reachable) -> None:
        body = {
            "events_per_minute": self._rate * 60,
            "duration_minutes": LOAD_SECONDS / 60,
            "event_types": [each.name for each in registry.ALL],
        }
        request = Request(
            f"{stack.url('generator')}/generate/start",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urlopen(request, timeout=10.0):
            pass

    def _throw(self, fault: Fault, stack: Stack, supervisor: Supervisor) -> float:
        """Do it; gives the moment from which on things may get well."""
        if fault.kind == "drop":
            _drop(stack, fault.parts[0])
            return time.monotonic()
        groups = [supervisor.children[part].pid for part in fault.parts]
        if fault.kind == "drain":
            os.kill(groups[0], signal.SIGTERM)
            time.sleep(self._rng.uniform(*DRAINING_SECONDS))
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGSTOP if fault.kind == "stop" else signal.SIGKILL)
        if fault.kind == "stop":
            time.sleep(STOPPED_SECONDS)
            for group in groups:
                os.killpg(group, signal.SIGCONT)
        else:
            supervisor.watch(threading.Event())
        return time.monotonic()

    def _settle(self, stack: Stack, fault: Fault, since: float) -> None:
        """Wait until nothing is on its way; then count. Raises NotDone."""
        deadline, quiet = time.monotonic() + SETTLE_SECONDS, 0
        sent = -1
        while quiet < 2:  # twice, so that a load that goes on is waited for
            now = look(stack)
            still = now.backlog == 0 and now.published == sent
            quiet, sent = quiet + 1 if still else 0, now.published or 0
            if not quiet:
                recovered = time.monotonic() - since
            if time.monotonic() > deadline:
                raise NotDone(f"after {fault}: {now.backlog} messages wait for {SETTLE_SECONDS} s")
            time.sleep(LOOK_SECONDS)
        if fault.kind == "drop":
            _replay(stack)
        self._count(stack, fault, recovered)

    def _count(self, stack: Stack, fault: Fault, recovered: float) -> None:
        from local.stored import read_stored

        account = reconcile(read_published(stack.publish_log), read_stored(stack.names))
        before, self._before = self._before, account
        self._number += 1
        self._told(
            Round(
                self._number,
                fault,
                account.published - before.published,
                recovered,
                account.lost - before.lost,
                account.duplicated_rows - before.duplicated_rows,
                account.duplicated_lines - before.duplicated_lines,
            )
        )


def _nothing() -> Ledger:
    return Ledger(0, 0, 0, 0, 0, [], 0, 0, 0, {}, {}, 0)


def _drop(stack: Stack, table: str) -> None:
    from google.cloud import bigquery

    client = bigquery.Client(project=stack.names.project_id)
    client.delete_table(f"{stack.names.dataset}.{table}", not_found_ok=True)


def _replay(stack: Stack) -> None:
    """What was dropped is made again from the files. Raises NotDone."""
    span = ("--from", "2000-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z")
    command = (sys.executable, "-m", "pipeline.replay", *span)
    done = subprocess.run(
        command,
        env=settings.child_environ(stack.environ()),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotDone(f"replay: {done.stderr.strip().splitlines()[-1]}")
