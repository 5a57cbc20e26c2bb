"""3 · Batches of rows arrive; they leave into tables, waiting for what is about to be made.

How rows travel is a `Sender`'s: `insert_all` or `storage_write`. What to do about those that did
not arrive is decided here, once for both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from google.api_core.exceptions import NotFound

from event_types.contract import EXTRA, Contract
from event_types.dead_letter import DEAD_LETTER_TABLE, Reason
from pipeline.columns import carries, set_aside
from pipeline.contracts import Contracts
from pipeline.record import Message, Row
from telemetry import Exporting

# The clients would retry for 600 s, longer than a runner should hold a bundle in silence.
RETRY_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# What was given up on is not waited for again for this many times the wait.
VERDICT_LASTS = 10

log = logging.getLogger(__name__)


class RowsNotInserted(RuntimeError):
    """BigQuery kept on failing; the runner has to try the bundle again."""

    def __init__(self, table: str, rows: int, why: str) -> None:
        super().__init__(f"table {table}: {rows} rows not inserted: {why}")


class Rejection(NamedTuple):
    """A row that will never get into its table, and why."""

    row: Row
    reason: Reason
    detail: str


class Fault(NamedTuple):
    """A row that a request left out of its table, and why."""

    row: Row
    detail: str
    passing: bool = False
    """The moment is to blame, not the row."""
    columns: tuple[str, ...] = ()
    """By dotted path, what the row has a value for and the table lacks; all that is wrong."""


class Sender(Protocol):
    """One way of rows into tables."""

    def send(self, table: str, rows: list[Row]) -> list[Fault]:
        """Store rows durably and return those left out; a field at its default never is a fault.

        Raises NotFound where the table is not there, and google.api_core's other errors for what
        no retry helps (403) or retries did not (503).
        """


Ask = Callable[[str, Message], object]
"""Takes a table that is missing, or lacks a column, and an event that needs it; never raises."""


@dataclass(frozen=True)
class Target:
    """Where rows go, in plain values that travel to any worker."""

    project: str
    dataset: str
    requests_topic: str
    """Full name of the topic where a missing table or column is asked for."""
    wait_seconds: float
    """How long a table or a column that is not there yet is waited for."""
    contract: str = "evolve"
    """Of the event types whose dataset does not say another by a label (`event_types.contract`)."""
    sink: str = "insert_all"
    """How rows travel: insert_all or storage_write."""
    write_api: str | None = None
    """HOST:PORT of an emulator's Storage Write API; None for Google's."""
    exporting: Exporting | None = None
    """Where spans go; None where there are none."""


class Waits:
    """Since when each table or column is missing, and whether it was waited for long enough."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._since: dict[tuple[str, str], float] = {}

    def over(self, table: str, column: str = "") -> bool:
        """Whether what is missing now is given up on; the first call starts the wait."""
        now, since = self._clock(), self._since.get((table, column))
        if since is None or now - since > VERDICT_LASTS * self._seconds:
            what = f"column {column} of table {table}" if column else f"table {table}"
            log.warning("%s not found; waiting up to %g s for it", what, self._seconds)
            since = self._since[table, column] = now
        return now - since >= self._seconds

    def columns(self, table: str) -> list[str]:
        """The columns of a table that were missing when last looked for."""
        return [column for name, column in self._since if name == table and column]

    def found(self, table: str, column: str = "") -> None:
        """End the wait, if there is one."""
        self._since.pop((table, column), None)


class Inserter:
    """Puts batches of rows into tables: the plain code behind the DoFns, one a worker."""

    def __init__(
        self,
        target: Target,
        sender: Sender,
        ask: Ask,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        contracts: Contracts | None = None,
    ) -> None:
        """Without `contracts` the target's is that of all."""
        self._target, self._sender, self._ask = target, sender, ask
        self._contracts = contracts or Contracts(dict, Contract(target.contract), clock)
        self._clock, self._sleep = clock, sleep
        self._waits = Waits(target.wait_seconds, clock)

    def insert(self, batches: dict[str, list[Row]]) -> Iterator[Rejection]:
        """Insert rows by table, yielding those refused for good. A slow table delays no other.

        Raises RowsNotInserted when BigQuery asks for longer than RETRY_SECONDS to try rows again,
        and what `Sender.send` raises.
        """
        deadline, pause = self._clock() + RETRY_SECONDS, FIRST_PAUSE
        while batches:
            again: dict[str, list[Row]] = {}
            for table, rows in batches.items():
                rejections, left = self._attempt(table, rows, deadline)
                yield from rejections
                if left:
                    again[table] = left
            if again:
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            batches = again

    def _attempt(
        self, table: str, rows: list[Row], deadline: float
    ) -> tuple[list[Rejection], list[Row]]:
        """Return the rows refused for good and the rows to try again."""
        began = self._contracts.now()
        try:
            faults = self._sender.send(table, rows)
        except NotFound as error:
            if table != DEAD_LETTER_TABLE.name:  # which is made with the dataset
                self._ask(table, rows[0].message)
            if not self._waits.over(table):
                return [], rows
            return [Rejection(row, Reason.TABLE_NOT_FOUND, error.message) for row in rows], []
        self._found(table, rows, faults)
        passing = sum(fault.passing for fault in faults)
        if passing and self._clock() >= deadline:
            raise RowsNotInserted(table, passing, f"retried for {RETRY_SECONDS:g} s")
        rejections, left = [], []
        for fault in faults:
            judged = fault.row if fault.passing else self._judged(table, fault, began)
            if isinstance(judged, Rejection):
                rejections.append(judged)
            else:
                left.append(judged)
        return rejections, left

    def _judged(self, table: str, fault: Fault, began: float) -> Rejection | Row:
        """What a fault that does not pass comes to: the row is refused, or to be tried again."""
        if not fault.columns:
            return Rejection(fault.row, Reason.BIGQUERY_REJECTED, fault.detail)
        contract = self._contracts.of(fault.row.event_type, began)
        if contract is Contract.DISCARD and fault.columns != (EXTRA.name,):
            return set_aside(fault.row, [each for each in fault.columns if each != EXTRA.name])
        why = "a frozen contract adds none"
        if contract is not Contract.FREEZE:
            self._ask(table, fault.row.message)
            if not [each for each in fault.columns if self._waits.over(table, each)]:
                return fault.row
            why = f"not added within {self._target.wait_seconds:g} s"
        names = ", ".join(fault.columns)
        return Rejection(fault.row, Reason.COLUMN_NOT_FOUND, f"table {table} lacks {names}: {why}")

    def _found(self, table: str, rows: list[Row], faults: list[Fault]) -> None:
        """End the waits for the table, and for the columns that some row of these got into."""
        self._waits.found(table)
        missed = {column for fault in faults for column in fault.columns}
        for column in self._waits.columns(table):
            if column not in missed and any(carries(row, column) for row in rows):
                self._waits.found(table, column)
