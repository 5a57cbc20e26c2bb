"""3 · A Pub/Sub message arrives; a row for its type's table leaves, or a dead letter."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

import apache_beam as beam
import orjson
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from event_types.base import Event, EventType
from event_types.contract import EXTRA, Contract
from event_types.dead_letter import Reason
from event_types.validate import InvalidEvent, Validator
from pipeline import dead_letter
from pipeline.contracts import contracts
from pipeline.insertion import Target
from pipeline.record import Message, Row, file_prefix
from pipeline.tracing import Processing
from telemetry import Exporting

ROOT = "output"
log = logging.getLogger(__name__)


class Router:
    """Parses, validates, enriches: the plain code behind `Route`, one a worker."""

    def __init__(self, event_types: tuple[EventType, ...], max_event_bytes: int) -> None:
        self._by_name = {each.name: each for each in event_types}
        self._validate = Validator(tuple(each.model for each in event_types), max_event_bytes)
        self._told: set[object] = set()

    def tell(self, message: Message, error: Exception) -> None:
        """Log an error that nobody foresaw, with its traceback; once for each place and kind."""
        *_, (place, line) = traceback.walk_tb(error.__traceback__)
        cause = (type(error), place.f_code, line)
        if cause not in self._told:
            self._told.add(cause)
            said = "event %s: unexpected error; dead-lettered, as all like it are from here on"
            log.error(said, message.event_id, exc_info=error)

    def row(self, message: Message) -> Row:
        """The row of an event. Raises InvalidEvent."""
        return self._row(message, self._validate(message.data))

    def sparing(self, message: Message, contract: Callable[[str], Contract]) -> Row:
        """The row of an event that has fields too many, if its type's contract is discard.

        They are in the column `extra`, and in the line. Raises InvalidEvent.
        """
        event, extra = self._validate.sparing(message.data)
        if contract(event.event_type) is not Contract.DISCARD:
            return self.row(message)
        row = self._row(message, event)
        # insertAll takes a JSON column's value as text; a line has it as what it is.
        line = orjson.dumps({**row.values, EXTRA.name: extra})
        values = {**row.values, EXTRA.name: orjson.dumps(extra).decode()}
        return replace(row, values=values, line=line)

    def _row(self, message: Message, event: Event) -> Row:
        event_type = self._by_name[event.event_type]
        values = event_type.row(
            event, message.event_id, message.publish_time, processed=datetime.now(UTC)
        )
        return Row(
            table=event_type.table,
            values=values,
            file_prefix=file_prefix(ROOT, event_type.name, event_type.time_of(event)),
            line=orjson.dumps(values),
            message=message,
            defaults=event_type.defaults,
            event_type=event_type.name,
        )


# Building validators takes milliseconds, and the direct runners set up a DoFn for each bundle.
router = cache(Router)
processing = cache(Processing)


class Route(beam.DoFn):
    """One message to one row: of an event on the main output, of a dead letter on DEAD_LETTERS.

    No exception leaves: one that nobody foresaw would be retried for ever and hold up all that
    comes after it, so it becomes a dead letter with its traceback in the log.
    """

    DEAD_LETTERS = "dead_letters"

    def __init__(
        self,
        event_types: tuple[EventType, ...],
        max_event_bytes: int,
        tables: Target | None = None,
        subscription: str = "",
        exporting: Exporting | None = None,
    ) -> None:
        """`tables` is where contracts stand; without it a field too many is always refused."""
        self._traced = (exporting, subscription)
        self._config, self._tables = (event_types, max_event_bytes), tables
        self._received = Metrics.counter("pipeline", "received")
        self._valid = Metrics.counter("pipeline", "valid")

    def start_bundle(self) -> None:
        """Count from zero: a counter is updated once a bundle, which costs less."""
        self._router = router(*self._config)
        exporting, subscription = self._traced
        self._processing = processing(exporting, subscription) if exporting else None
        self._messages = self._events = 0
        self._began = time.monotonic()

    def process(
        self, element: PubsubMessage, timestamp: Timestamp = beam.DoFn.TimestampParam
    ) -> Iterator[Row | TaggedOutput]:
        """Yield the message's one row."""
        self._messages += 1
        message = received(element, timestamp)
        if self._processing is None:
            yield self._routed(message)
            return
        span = self._processing.begin(message)
        routed = self._routed(message)
        self._processing.end(span, routed if isinstance(routed, Row) else routed.value)
        yield routed

    def _routed(self, message: Message) -> Row | TaggedOutput:
        try:
            row = self._router.row(message)
        except InvalidEvent as invalid:
            return self._spared(message, invalid)
        except Exception as error:  # noqa: BLE001 - told, and kept as a dead letter
            self._router.tell(message, error)
            return self._dead_letter(message, Reason.INTERNAL_ERROR, ascii(error))
        self._events += 1
        return row

    def _spared(self, message: Message, invalid: InvalidEvent) -> Row | TaggedOutput:
        """An event whose only fault is a field too many has a row, if its contract says so."""
        if invalid.reason is Reason.UNKNOWN_FIELD and self._tables is not None:
            known = contracts(self._tables.project, self._tables.dataset, self._tables.contract)
            try:
                row = self._router.sparing(message, lambda name: known.of(name, self._began))
            except InvalidEvent as still:
                invalid = still
            else:
                self._events += 1
                return row
        return self._dead_letter(message, invalid.reason, invalid.detail)

    def finish_bundle(self) -> None:
        """Tell the counters."""
        self._received.inc(self._messages)
        self._valid.inc(self._events)

    def _dead_letter(self, message: Message, reason: Reason, detail: str) -> TaggedOutput:
        return TaggedOutput(self.DEAD_LETTERS, dead_letter.row(message, reason, detail))


def received(element: PubsubMessage, timestamp: Timestamp) -> Message:
    """What a runner hands over, with the gaps filled.

    Dataflow and the stock direct runner fill in message_id and publish_time; a source that does
    not gives an element timestamp, which is the publish time for lack of a timestamp attribute,
    and gets an id that is the same at each redelivery.
    """
    data, attributes = element.data or b"", dict(element.attributes or {})
    published = element.publish_time or timestamp.to_utc_datetime(has_tz=True)
    event_id = attributes.get("event_id") or element.message_id
    if not event_id:
        event_id = sha256(f"{published.isoformat()} ".encode() + data).hexdigest()
    return Message(event_id, data, attributes, published)
