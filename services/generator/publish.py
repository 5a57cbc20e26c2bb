"""1 · Bytes come in; they leave for Pub/Sub, counted and recorded. Next: pipeline/."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

import orjson

import telemetry
from services.generator.client import MESSAGE_LIMIT, RETRY_FOR_SECONDS, connect
from services.logs import Seldom

log = logging.getLogger(__name__)

# What may wait for its confirmation before tasks pause; the client's own flow control stands above
# it, for callers that do not ask whether there is room.
ROOM = MESSAGE_LIMIT // 2
# The client tries each batch again in a thread of its own: an outage that 20 ms batches pile up in
# would have hundreds of them. So nothing is added to what has had no answer for so long.
STALL_SECONDS = 0.5
# Names that the client's publish() has for itself.
RESERVED = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})


class ReservedAttribute(ValueError):
    """The official client can't publish an attribute of this name."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"attribute {', '.join(sorted(names))}: reserved by the Pub/Sub client")


class TopicUnreachable(Exception):
    """Pub/Sub does not answer, or has no such topic."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"topic {topic} can't be reached: {why}")


class PublishFailed(Exception):
    """A message was given up: Pub/Sub refused it, or was away for too long."""


class NotRecorded(PublishFailed):
    """Pub/Sub confirmed a message, but the publish log could not be written."""

    def __init__(self, path: Path, why: OSError) -> None:
        super().__init__(f"published, but not recorded in {path}: {why}")


@dataclass(frozen=True)
class Counts:
    """Messages handed to the client, confirmed by Pub/Sub, and given up."""

    published: int = 0
    confirmed: int = 0
    failed: int = 0

    @property
    def outstanding(self) -> int:
        """Messages whose fate is not known yet."""
        return self.published - self.confirmed - self.failed


@dataclass(frozen=True)
class _Sent:
    """A message on its way: what it was, what the client promised, what we promised."""

    attributes: Mapping[str, str]
    ordering_key: str
    answer: Any
    receipt: Future[str]
    span: Any = None


class Publisher:
    """Publishes to one topic through the official client; safe to use from many threads.

    With a `publish_log`, every confirmed message is appended to it as one JSON line
    `{"event_id", "event_type", "published_at"}` before its receipt resolves, so that a reader of
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
        self._answers: SimpleQueue[_Sent | None] = SimpleQueue()
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
        log can't be written. Blocks while the client's flow control has no room. Raises
        ReservedAttribute, the client's MessageTooLargeError for more than 10 MB, and google-auth's
        errors for missing credentials.
        """
        attributes = attributes or {}
        if RESERVED & attributes.keys():
            raise ReservedAttribute(RESERVED & attributes.keys())
        client, span = self._client(ordered=bool(ordering_key)), None
        if self._recorder is not None:
            span, attributes = self._recorder.send(self.topic, attributes, len(data), ordering_key)
        answer = client.publish(self.topic, data, ordering_key=ordering_key, **attributes)
        self._count(published=1)
        sent = _Sent(attributes, ordering_key, answer, Future(), span)
        answer.add_done_callback(partial(self._answered, sent))
        return sent.receipt

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
        left = self.drain(timeout)
        self._answers.put(None)
        self._settler.join(timeout=1)
        for client in self._clients.values():
            client.transport.close()
        if self._recorder is not None:
            self._recorder.close()
        return left

    def _client(self, ordered: bool = False) -> Any:
        with self._connecting:
            if ordered not in self._clients:
                self._clients[ordered] = connect(ordered, self._note)
            return self._clients[ordered]

    def _note(self, error: Exception) -> None:
        if self._error is None:
            log.warning("Pub/Sub does not take messages, trying again: %s", error)
        self._error = str(error)

    def _count(self, published: int = 0, confirmed: int = 0, failed: int = 0) -> None:
        with self._settled:
            now = self._counts
            if not published or not now.outstanding:
                self._progress = self._monotonic()
            self._counts = Counts(
                now.published + published, now.confirmed + confirmed, now.failed + failed
            )
            self._settled.notify_all()

    def _answered(self, sent: _Sent, _: object) -> None:
        self._answers.put(sent)

    def _settle(self) -> None:
        """Take the client's answers, many at a time: record, then resolve the receipts."""
        while (first := self._answers.get()) is not None:
            batch = [first]
            # Once close() has put the None, nothing is outstanding, so it is never in the middle.
            while not self._answers.empty() and (more := self._answers.get_nowait()):
                batch.append(more)
            self._settle_batch(batch)

    def _settle_batch(self, batch: list[_Sent]) -> None:
        confirmed = [sent for sent in batch if sent.answer.exception() is None]
        unrecorded = self._record(confirmed)
        for sent in batch:
            refused = sent.answer.exception()
            error = PublishFailed(str(refused)) if refused else unrecorded
            if sent.span is not None:
                self._end(sent, refused)
            if error is None:
                self._error = None
                sent.receipt.set_result(_event_id(sent))
            else:
                self._give_up(sent, error)
        failed = len(batch) if unrecorded else len(batch) - len(confirmed)
        self._count(confirmed=len(batch) - failed, failed=failed)

    def _end(self, sent: _Sent, refused: BaseException | None) -> None:
        if self._recorder is not None and refused is not None:
            self._recorder.fail(sent.span, type(refused).__name__, str(refused))
        elif refused is None:
            sent.span.set_attribute("messaging.message.id", str(sent.answer.result()))
        sent.span.end()

    def _record(self, confirmed: list[_Sent]) -> NotRecorded | None:
        if self._publish_log is None or not confirmed:
            return None
        published_at = datetime.now(UTC).isoformat()
        lines = b"".join(
            orjson.dumps(
                {
                    "event_id": _event_id(sent),
                    "event_type": sent.attributes.get("event_type", ""),
                    "published_at": published_at,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for sent in confirmed
        )
        try:
            # One unbuffered write to a file opened for appending: several processes may share it.
            with self._publish_log.open("ab", buffering=0) as file:
                file.write(lines)
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
        sent.receipt.set_exception(error)


def _event_id(sent: _Sent) -> str:
    return sent.attributes.get("event_id") or str(sent.answer.result())
