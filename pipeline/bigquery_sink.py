"""3 · Rows arrive; they leave into BigQuery tables, and the refused ones as dead letters."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from event_types.dead_letter import Reason
from pipeline import dead_letter
from pipeline.record import Row

# BigQuery's advice for insertAll is 500 rows a request; a request holds 10 MB ("Streaming
# inserts" quotas), and the client's JSON takes up to three times the bytes of a line's.
BATCH_ROWS = 500
BATCH_BYTES = 3 * 1024 * 1024
INSERT_ID_LENGTH = 128
REQUEST_SECONDS = 30.0
# The client would retry for 600 s, longer than a runner should hold a bundle in silence.
RETRY_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# A table given up on is not waited for again for this many times the wait.
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


@dataclass(frozen=True)
class Target:
    """Where rows go, in plain values that travel to any worker."""

    project: str
    dataset: str
    table_wait_seconds: float
    """How long a table that is not there yet is waited for."""


class Inserter:
    """Puts batches of rows into tables: the plain code behind the DoFns, one a worker."""

    def __init__(
        self,
        target: Target,
        client: bigquery.Client,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._target, self._client = target, client
        self._clock, self._sleep = clock, sleep
        self._missing_since: dict[str, float] = {}

    def insert(self, batches: dict[str, list[Row]]) -> Iterator[Rejection]:
        """Insert rows by table, yielding those refused for good. A slow table delays no other.

        Raises RowsNotInserted when BigQuery asks for longer than RETRY_SECONDS to try rows again,
        and google.api_core's errors for what no retry helps (403) or retries did not (503).
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
        try:
            rejections, left = self._send(table, rows)
        except NotFound as error:
            if not self._given_up(table):
                return [], rows
            return [Rejection(row, Reason.TABLE_NOT_FOUND, error.message) for row in rows], []
        self._missing_since.pop(table, None)
        if left and self._clock() >= deadline:
            raise RowsNotInserted(table, len(left), f"retried for {RETRY_SECONDS:g} s")
        return rejections, left

    def _given_up(self, table: str) -> bool:
        now, wait = self._clock(), self._target.table_wait_seconds
        since = self._missing_since.get(table)
        if since is None or now - since > VERDICT_LASTS * wait:
            log.warning("table %s not found; waiting up to %g s for it", table, wait)
            since = self._missing_since[table] = now
        return now - since >= wait

    def _send(self, table: str, rows: list[Row]) -> tuple[list[Rejection], list[Row]]:
        """One request, or more where it is too large."""
        try:
            errors = self._client.insert_rows_json(
                f"{self._target.project}.{self._target.dataset}.{table}",
                [row.values for row in rows],
                row_ids=[_insert_id(row.message.event_id) for row in rows],
                skip_invalid_rows=True,
                retry=DEFAULT_RETRY.with_timeout(RETRY_SECONDS),
                timeout=REQUEST_SECONDS,
            )
        except GoogleAPICallError as error:
            if not _too_large(error):
                raise
            if len(rows) == 1:
                return [Rejection(rows[0], Reason.BIGQUERY_REJECTED, error.message)], []
            half = len(rows) // 2
            first, second = (self._send(table, part) for part in (rows[:half], rows[half:]))
            return first[0] + second[0], first[1] + second[1]
        return _sorted_out(rows, errors)


def _sorted_out(rows: list[Row], errors: list[dict[str, Any]]) -> tuple[list[Rejection], list[Row]]:
    rejections, left = [], []
    for each in errors:
        row, causes = rows[each["index"]], each["errors"]
        # The other reasons (stopped, backendError, timeout, ...) blame the moment, not the row.
        invalid = [cause for cause in causes if cause.get("reason") == "invalid"]
        if invalid:
            detail = "; ".join(f"{c.get('location', '')}: {c.get('message', '')}" for c in invalid)
            rejections.append(Rejection(row, Reason.BIGQUERY_REJECTED, detail))
        else:
            left.append(row)
    return rejections, left


def _insert_id(event_id: str) -> str:
    fits = len(event_id) <= INSERT_ID_LENGTH
    return event_id if fits else sha256(event_id.encode()).hexdigest()


def _too_large(error: GoogleAPICallError) -> bool:
    # 413, for which the client has no class, is the front end's; BigQuery's is 400 and these words.
    return error.code == 413 or (error.code == 400 and "payload size exceeds" in error.message)


@cache
def inserter(target: Target) -> Inserter:
    """The worker's one inserter. Two threads that race make two, which costs a connection."""
    return Inserter(target, bigquery.Client(project=target.project))


class InsertRows(beam.DoFn):
    """Rows in; out comes a dead letter for each one refused, at its own publish time."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def start_bundle(self) -> None:
        """Start with empty batches."""
        self._batches: dict[str, list[Row]] = defaultdict(list)
        self._bytes = 0
        self._counts: Counter[str] = Counter()

    def process(self, element: Row) -> Iterator[WindowedValue]:
        """Add to the table's batch; insert all batches once one is full."""
        batch = self._batches[element.table]
        batch.append(element)
        self._bytes += len(element.line)
        if len(batch) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Insert the rest, and tell the counters."""
        yield from self._flush()
        for name, count in self._counts.items():
            Metrics.counter("pipeline", name).inc(count)

    def count(self, rows: list[Row]) -> Counter[str]:
        """What a batch adds to the counters, by name."""
        return Counter(rows_written=len(rows))

    def refuse(self, rejection: Rejection) -> Row:
        """What becomes of a row that its table will never take."""
        self._counts["rows_written"] -= 1
        return dead_letter.row(rejection.row.message, rejection.reason, rejection.detail)

    def _flush(self) -> Iterator[WindowedValue]:
        batches, self._batches, self._bytes = self._batches, defaultdict(list), 0
        for rows in batches.values():
            self._counts.update(self.count(rows))
        for rejection in inserter(self._target).insert(batches):
            row = self.refuse(rejection)
            published = Timestamp.from_utc_datetime(row.message.publish_time)
            yield GlobalWindows.windowed_value(row, published)


class InsertDeadLetters(InsertRows):
    """Dead letters in, nothing out: one that is refused too has nowhere to go but back."""

    def count(self, rows: list[Row]) -> Counter[str]:
        """Dead letters, in all and by reason."""
        reasons = Counter(f"dead_lettered_{row.values['reason']}" for row in rows)
        return reasons + Counter(dead_lettered=len(rows))

    def refuse(self, rejection: Rejection) -> NoReturn:
        """Raises RowsNotInserted, so that the runner tries again and keeps the message unacked."""
        raise RowsNotInserted(rejection.row.table, 1, f"{rejection.reason}: {rejection.detail}")
