"""3 · Rows arrive; they leave into BigQuery tables, and the refused ones as dead letters."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NoReturn

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from google.cloud import bigquery
from google.cloud.pubsub_v1 import PublisherClient

from pipeline import dead_letter
from pipeline.contracts import contracts
from pipeline.insert_all import InsertAll
from pipeline.insertion import Inserter, Rejection, RowsNotInserted, Sender, Target
from pipeline.record import Row
from pipeline.requests import Requests
from pipeline.tracing import TracedSender
from telemetry import recorder

# BigQuery's advice for insertAll is 500 rows a request; a request holds 10 MB ("Streaming
# inserts" quotas), and the client's JSON takes up to three times the bytes of a line's.
BATCH_ROWS = 500
BATCH_BYTES = 3 * 1024 * 1024


def _insert_all(target: Target) -> Sender:
    return InsertAll(target.dataset, bigquery.Client(project=target.project))


def _storage_write(target: Target) -> Sender:
    # Imported late, because most jobs have no use for it.
    from pipeline.storage_write import StorageWrite, connect

    return StorageWrite(target.project, target.dataset, connect(target.write_api))


_SENDERS = {"insert_all": _insert_all, "storage_write": _storage_write}
SINKS = tuple(_SENDERS)
"""The ways into tables, by name; the first is the default."""


@cache
def inserter(target: Target) -> Inserter:
    """The worker's one inserter. Two threads that race make two, which costs a connection."""
    sender, to = _SENDERS[target.sink](target), target.exporting
    requests = Requests(
        target.requests_topic, PublisherClient(), recorder=recorder(to) if to else None
    )
    known = contracts(target.project, target.dataset, target.contract)
    if to is not None:
        sender = TracedSender(sender, to, target.dataset)
    return Inserter(target, sender, requests.ask, contracts=known)


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
        """Fail the bundle.

        Raises RowsNotInserted, so that the runner tries again and keeps the message unacked.
        """
        raise RowsNotInserted(rejection.row.table, 1, f"{rejection.reason}: {rejection.detail}")
