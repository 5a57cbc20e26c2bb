"""3 · An event whose table or column is missing goes to the table manager, which makes it.

A request is the event itself, published once more, to a topic that only the table manager hears.
It is a hint: the pipeline keeps the event, and asks again for as long as it waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future

from google.cloud.pubsub_v1 import PublisherClient

from pipeline.record import Message
from telemetry import Recorder

ASK_SECONDS = 5.0
"""A table is asked for this often at most, by each worker."""

log = logging.getLogger(__name__)


class Requests:
    """Publishes to the topic of requests; one a worker."""

    def __init__(
        self,
        topic: str,
        publisher: PublisherClient,
        clock: Callable[[], float] = time.monotonic,
        recorder: Recorder | None = None,
    ) -> None:
        self._topic, self._publisher, self._clock = topic, publisher, clock
        self._recorder = recorder
        self._asked: dict[str, float] = {}
        """By table: when it was asked for last."""
        self._failing: set[str] = set()

    def ask(self, table: str, event: Message) -> None:
        """Ask for the table of `event`, or for what it lacks, unless that was done just now.

        Returns at once and never fails: what does not arrive is asked for again.
        """
        now, last = self._clock(), self._asked.get(table)
        if last is not None and now - last < ASK_SECONDS:
            return
        self._asked[table] = now
        attributes = event.attributes
        if self._recorder is not None and event.trace:
            span, attributes = self._recorder.send(
                self._topic, attributes, len(event.data), parent=event.trace
            )
            span.end()
        sent = self._publisher.publish(self._topic, event.data, **attributes)
        sent.add_done_callback(lambda done: self._tell(table, done))

    def _tell(self, table: str, done: Future[str]) -> None:
        """Log the first failure of a row of them."""
        error = done.exception()
        if error is not None and table not in self._failing:
            log.warning("table %s can't be asked for, trying again: %s", table, error)
        (self._failing.discard if error is None else self._failing.add)(table)
