"""A campaign of faults against a stack of its own, by a seed: thrown, waited out, and counted.

Each round puts a load on the stack and throws one fault in the middle of it. What ends a part ends
the stack (ADR 4), so it is started again, as a user would. The round is over when Pub/Sub has
nothing left to deliver; then the ledger says what was lost or came twice.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from urllib.request import Request, urlopen

from event_types import registry
from local import laptop, run
from local.errors import NotDone
from local.hazards import Fault, Hazards, possible, replay, small_disk
from local.ledger import Ledger, read_published, reconcile
from local.observe import look
from local.stack import Stack
from local.supervise import Log, Supervisor

WINDOW_SECONDS = "2"
LOAD_SECONDS = 6.0
INVALID_RATIO = 0.01
BEFORE_SECONDS = (1.0, 4.0)
"""How far into its load a round's fault comes."""
SETTLE_SECONDS = 180.0
LOOK_SECONDS = 0.2
HEADINGS = "round  fault                         sent    up in  back in  lost  rows lines"
"""Over the rounds; the last two count duplicates."""


@dataclass(frozen=True)
class Round:
    """What one fault came to. The counts are of this round alone."""

    number: int
    fault: Fault
    published: int
    started: float
    """Seconds that a stack took which had to be started again; else 0."""
    recovered: float
    """Seconds from its start, or from the end of the fault, until nothing was left to deliver."""
    lost: int
    duplicated_rows: int
    duplicated_lines: int

    def __str__(self) -> str:
        started = f"{self.started:.1f} s" if self.started else ""
        return (
            f"{self.number:>5}  {self.fault!s:24} {self.published:>9,} {started:>8} "
            f"{self.recovered:>6.1f} s {self.lost:>5,} {self.duplicated_rows:>5,} "
            f"{self.duplicated_lines:>5,}"
        )


class Campaign:
    """Runs the rounds; `told` takes each as it is over."""

    def __init__(
        self, asked: laptop.Asked, seed: int, rate: int, log: Log, told: Callable[[Round], object]
    ) -> None:
        """`rate` is in events a second."""
        self._asked, self._rng, self._rate = asked, Random(seed), rate
        self._log, self._told = log, told
        self._hazards = Hazards(asked.data_dir, self._rng)
        self._before = Ledger(0, 0, 0, 0, 0, [], 0, 0, 0, {}, {}, 0)
        self._number, self._stacks = 0, 0

    def run(self, faults: Sequence[Fault]) -> Ledger:
        """Throw them all; gives the account of everything.

        Raises NotDone where nothing settles, or a part ends that nobody ended.
        """
        with contextlib.ExitStack() as disk:
            if any(fault.kind == "fill" for fault in faults):
                disk.enter_context(small_disk(self._asked.data_dir))
            left = deque(faults)
            thrown: Fault | None = None
            while left or thrown:
                thrown = self._run_one_stack(left, thrown)
            return self._before

    def _run_one_stack(self, left: deque[Fault], thrown: Fault | None) -> Fault | None:
        """Rounds until one ends the stack, or the next one wants another; gives the unsettled."""
        began = time.monotonic()
        environ = self._hazards.environ(left[0]) if left else {}
        with self._stack(environ) as (stack, supervisor):
            if thrown is not None:
                up = time.monotonic() - began
                self._settle(stack, supervisor, thrown, began, up)
            while left and self._hazards.environ(left[0]) == environ:
                fault = left.popleft()
                self._load(stack)
                time.sleep(self._rng.uniform(*BEFORE_SECONDS))
                mend = self._hazards.throw(fault, stack, supervisor)
                if fault.ends_the_stack:
                    return fault
                self._settle(stack, supervisor, fault, time.monotonic(), mend=mend)
        return None

    @contextlib.contextmanager
    def _stack(self, environ: dict[str, str]) -> Iterator[tuple[Stack, Supervisor]]:
        extra = {"WINDOW_SECONDS": WINDOW_SECONDS, **environ}
        # Not by the rounds: what the first one sent is counted after a second start.
        fresh, self._stacks = not self._stacks, self._stacks + 1
        with run.started(self._asked, self._log, extra, fresh=fresh) as there:
            yield there

    def _load(self, stack: Stack) -> None:
        """Put the load on; returns once it flows, or the fault would meet none. Raises NotDone."""
        before = look(stack).published or 0
        body = {
            "events_per_minute": self._rate * 60,
            "duration_minutes": LOAD_SECONDS / 60,
            "event_types": [each.name for each in registry.ALL],
            "invalid_ratio": INVALID_RATIO,
        }
        request = Request(
            f"{stack.url('generator')}/generate/start",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urlopen(request, timeout=10.0):
            pass
        deadline = time.monotonic() + SETTLE_SECONDS
        while (look(stack).published or 0) <= before:
            if time.monotonic() > deadline:
                raise NotDone(f"no event of the load came in {SETTLE_SECONDS:g} s")
            time.sleep(LOOK_SECONDS)

    def _settle(
        self,
        stack: Stack,
        supervisor: Supervisor,
        fault: Fault,
        since: float,
        started: float = 0.0,
        mend: Callable[[], object] = lambda: None,
    ) -> None:
        """Wait until nothing is on its way, mend, and count. Raises NotDone."""
        deadline, quiet = time.monotonic() + SETTLE_SECONDS, 0
        sent, recovered = -1, 0.0
        while quiet < 2:  # twice, so that a load that goes on is waited for
            now = look(stack)
            still = now.backlog == 0 and now.published == sent
            quiet, sent = quiet + 1 if still else 0, now.published or 0
            if not quiet:
                recovered = time.monotonic() - since
            if time.monotonic() > deadline:
                raise NotDone(f"after {fault}: {now.backlog} messages wait for {SETTLE_SECONDS} s")
            if ended := supervisor.first_exit():
                raise NotDone(f"after {fault}: {ended[0]} exited with {ended[1]}")
            time.sleep(LOOK_SECONDS)
        mend()
        if fault.replayed:
            replay(stack, fault.parts[0])
        self._count(stack, fault, started, recovered)

    def _count(self, stack: Stack, fault: Fault, started: float, recovered: float) -> None:
        """Tell of the round. Raises NotDone for one without events, which says nothing."""
        from local.stored import read_stored

        account = reconcile(read_published(stack.publish_log), read_stored(stack.names))
        before, self._before = self._before, account
        if account.published <= before.published:
            raise NotDone(f"{fault}: nothing that was sent in its round is on record")
        self._number += 1
        self._told(
            Round(
                self._number,
                fault,
                account.published - before.published,
                started,
                recovered,
                account.lost - before.lost,
                account.duplicated_rows - before.duplicated_rows,
                account.duplicated_lines - before.duplicated_lines,
            )
        )


def thrown_here(
    faults: Sequence[Fault], skipped: Callable[[Fault, str], object]
) -> tuple[Fault, ...]:
    """Those of `faults` that this machine can throw; `skipped` takes the others, and why."""
    here = []
    for fault in faults:
        why = possible(fault)
        if why is None:
            here.append(fault)
        else:
            skipped(fault, why)
    return tuple(here)
