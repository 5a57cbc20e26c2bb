"""1 · Bytes come in; they leave for Pub/Sub, counted and recorded. Next: pipeline/."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any, NamedTuple

import telemetry
from services.generator.batches import MOST_BYTES, Batches, MessageTooLarge, sender
from services.generator.client import (
    ATTEMPT_SECONDS,
    BYTE_LIMIT,
    MESSAGE_LIMIT,
    RETRY_FOR_SECONDS,
    connect,
    retrying,
)
from services.generator.fates import (
    RESERVED,
    Fate,
    NotRecorded,
    PublishFailed,
    ReservedAttribute,
    TopicUnreachable,
    resolve,
)
from services.generator.publish_log import append
from services.logs import Seldom

log = logging.getLogger(__name__)

# What may wait for its confirmation before tasks pause; the limits stand above it, for callers that
# do not ask whether there is room.
ROOM = MESSAGE_LIMIT // 2
# Nothing is added to what has had no answer for so long: an outage is no time to pile up more.
STALL_SECONDS = 0.5
MEASURED = 500
"""Messages that the time to a confirmation is told by."""


class Counts(NamedTuple):
    """Messages handed to the client, confirmed by Pub/Sub, and given up."""

    published: int = 0
    confirmed: int = 0
    failed: int = 0

    @property
    def outstanding(self) -> int:
        """Messages whose fate is not known yet."""
        return self.published - self.confirmed - self.failed


_Answer = tuple[list["_Sent"], "list[str] | Exception"]
"""Messages whose fate is known: their ids, or why all of them were given up."""


@dataclass(slots=True, eq=False)
class _Sent:
    """A message on its way: what it was, and who is to hear of its fate."""

    attributes: Mapping[str, str]
    ordering_key: str
    size: int
    told: Callable[[Fate], object]
    at: float
    """When, by the monotonic clock."""
    span: Any = None


class Publisher:
    """Publishes to one topic through the official client; safe to use from many threads.

    With a `publish_log`, every confirmed message is appended to it as one JSON line
    `{"event_id", "event_type", "published_at"}` before anybody is told, so that a reader of
    the log never misses a message that somebody was told is published. As a context manager it
    waits at the end, and raises PublishFailed unless every message was confirmed.
    """

    def __init__(
        self,
        topic: str,
        publish_log: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        exporting: telemetry.Exporting | None = None,
    ) -> None:
        self.topic = topic
        self._publish_log, self._monotonic = publish_log, monotonic
        self._recorder = telemetry.recorder(exporting) if exporting else None
        self._error: str | None = None
        self._seldom = Seldom(log, monotonic)
        self._progress = 0.0
        self._clients: dict[bool, Any] = {}
        self._connecting = Lock()
        self._settled = Condition()
        self._counts = Counts()
        self._bytes = 0
        self._batches: Batches[_Sent] | None = None
        self._answers: SimpleQueue[_Answer | None] = SimpleQueue()
        self._took: deque[float] = deque(maxlen=MEASURED)
        self._settler = Thread(target=self._settle, name="publish-settler", daemon=True)
        self._settler.start()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_: object) -> None:
        left = self.close(RETRY_FOR_SECONDS)
        if self._counts.confirmed < self._counts.published:
            raise PublishFailed(
                f"of {self._counts.published} messages to {self.topic}, {self._counts.failed} "
                f"failed and {left} are not confirmed; last error: {self._error}"
            )

    def publish(
        self, data: bytes, attributes: Mapping[str, str] | None = None, ordering_key: str = ""
    ) -> Future[str]:
        """Hand a message to the client; the receipt gives its event id once Pub/Sub has it.

        The event id is the attribute `event_id`, else the Pub/Sub message id. The receipt fails
        with PublishFailed when Pub/Sub refuses the message or is away for 10 minutes, or when the
        log can't be written. Otherwise as `hand_over`.
        """
        receipt: Future[str] = Future()
        self.hand_over(data, attributes or {}, ordering_key, partial(resolve, receipt))
        return receipt

    def hand_over(
        self,
        data: bytes,
        attributes: Mapping[str, str],
        ordering_key: str,
        told: Callable[[Fate], object],
    ) -> None:
        """Publish a message, and have `told` hear of its fate, once, in another thread.

        For many messages: a receipt costs as much as all else here. Blocks while too much waits for
        its confirmation. Raises ReservedAttribute, MessageTooLarge for more than 10 MB, and
        google-auth's errors for missing credentials.
        """
        if not RESERVED.isdisjoint(attributes):
            raise ReservedAttribute(RESERVED & attributes.keys())
        client, span = self._client(ordered=bool(ordering_key)), None
        if self._recorder is not None:
            span, attributes = self._recorder.send(self.topic, attributes, len(data), ordering_key)
        message = self._message(data=data, attributes=attributes)
        at = self._monotonic()
        sent = _Sent(attributes, ordering_key, message.ByteSize(), told, at, span)
        if sent.size > MOST_BYTES:
            raise MessageTooLarge(sent.size)
        self._take_on(sent)
        if ordering_key:
            answer = client.publish(self.topic, data, ordering_key=ordering_key, **attributes)
            answer.add_done_callback(partial(self._answered, sent))
        else:
            assert self._batches is not None
            self._batches.add(message, sent.size, sent)

    def has_room(self) -> bool:
        """Whether a polite caller may publish now, rather than queue behind what waits."""
        return self._counts.outstanding < ROOM and self._silence() < STALL_SECONDS

    @property
    def last_error(self) -> str | None:
        """What Pub/Sub said last, if it does not take messages now."""
        if self._error is None and (silence := self._silence()) > STALL_SECONDS:
            return f"no answer from Pub/Sub for {silence:.1f} s"
        return self._error

    def _silence(self) -> float:
        """For how many seconds something has been outstanding, and nothing was answered."""
        return self._monotonic() - self._progress if self._counts.outstanding else 0.0

    def counts(self) -> Counts:
        """The totals since the start of the process."""
        return self._counts

    def seconds_to_confirm(self) -> list[float]:
        """Of the last messages that Pub/Sub confirmed, in order of size."""
        return sorted(self._took)

    def check(self, timeout: float = 2.0) -> None:
        """Ask Pub/Sub for the topic. Raises TopicUnreachable."""
        from google.api_core.exceptions import GoogleAPICallError, PermissionDenied, RetryError
        from google.auth.exceptions import GoogleAuthError

        try:
            self._client().get_topic(topic=self.topic, timeout=timeout, retry=None)
        except PermissionDenied:
            return  # Pub/Sub answered; a publisher's role need not let it look at the topic.
        except (GoogleAPICallError, GoogleAuthError, RetryError) as error:
            raise TopicUnreachable(self.topic, str(error)) from error

    def drain(self, timeout: float) -> int:
        """Wait until nothing is outstanding; returns what still is after `timeout` seconds."""
        with self._settled:
            self._settled.wait_for(lambda: self._counts.outstanding == 0, timeout)
            return self._counts.outstanding

    def close(self, timeout: float) -> int:
        """Send what waits in batches, then drain. Returns what is still outstanding."""
        for client in list(self._clients.values()):
            client.stop()
        if self._batches is not None:
            self._batches.close()
        left = self.drain(timeout)
        self._answers.put(None)
        self._settler.join(timeout=1)
        for client in self._clients.values():
            client.transport.close()
        if self._recorder is not None:
            self._recorder.close()
        return left

    def _client(self, ordered: bool = False) -> Any:
        if ordered in self._clients:
            return self._clients[ordered]
        with self._connecting:
            if ordered not in self._clients:
                client = connect(ordered, self._note)
                if not ordered:
                    send = sender(client, self.topic, retrying(self._note), ATTEMPT_SECONDS)
                    self._batches = Batches(send, lambda *answer: self._answers.put(answer))
                self._clients[ordered] = client
            return self._clients[ordered]

    @cached_property
    def _message(self) -> Any:
        """PubsubMessage in raw protobuf; imported on first use, as the client is."""
        from google.pubsub_v1.types import PubsubMessage

        return PubsubMessage.pb()

    def _note(self, error: Exception) -> None:
        if self._error is None:
            log.warning("Pub/Sub does not take messages, trying again: %s", error)
        self._error = str(error)

    def _take_on(self, sent: _Sent) -> None:
        """Count a message, once there is room for it."""
        with self._settled:
            if not self._has_space():
                self._settled.wait_for(self._has_space)
            now = self._counts
            if not now.outstanding:
                self._progress = self._monotonic()
            self._counts = Counts(now.published + 1, now.confirmed, now.failed)
            self._bytes += sent.size

    def _has_space(self) -> bool:
        return self._counts.outstanding < MESSAGE_LIMIT and self._bytes < BYTE_LIMIT

    def _answered(self, sent: _Sent, answer: Any) -> None:
        """The official client's answer to an ordered message."""
        self._answers.put(([sent], answer.exception() or [answer.result()]))

    def _settle(self) -> None:
        """Take the answers as they come: record, then tell."""
        while (answer := self._answers.get()) is not None:
            self._settle_batch(*answer)

    def _settle_batch(self, batch: list[_Sent], answer: list[str] | Exception) -> None:
        if self._recorder is not None:
            self._recorder.sent([sent.span for sent in batch], answer)
        if isinstance(answer, Exception):
            error: PublishFailed | None = PublishFailed(str(answer))
        else:
            named = [(_event_id(*each), each[0]) for each in zip(batch, answer, strict=True)]
            error = self._record(named)
        if error is None:
            self._error = None
            now = self._monotonic()
            self._took.extend([now - sent.at for sent in batch])
            for event_id, sent in named:
                sent.told(event_id)
        else:
            for sent in batch:
                self._give_up(sent, error)
        with self._settled:
            self._progress = self._monotonic()
            self._bytes -= sum(sent.size for sent in batch)
            counts, what = self._counts, "failed" if error else "confirmed"
            self._counts = counts._replace(**{what: getattr(counts, what) + len(batch)})
            self._settled.notify_all()

    def _record(self, confirmed: list[tuple[str, _Sent]]) -> NotRecorded | None:
        if self._publish_log is None:
            return None
        events = ((id_, sent.attributes.get("event_type", "")) for id_, sent in confirmed)
        try:
            append(self._publish_log, events)
        except OSError as error:
            return NotRecorded(self._publish_log, error)
        return None

    def _give_up(self, sent: _Sent, error: PublishFailed) -> None:
        self._error = str(error)
        attributes = dict(sent.attributes)
        self._seldom.error(str(error), "message given up: %s", error, attributes=attributes)
        if sent.ordering_key:
            # The client refuses a key after its first failure until told to go on.
            self._client(ordered=True).resume_publish(self.topic, sent.ordering_key)
        sent.told(error)


def _event_id(sent: _Sent, message_id: str) -> str:
    return sent.attributes.get("event_id") or message_id
