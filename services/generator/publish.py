"""1 · Bytes come in; they leave for Pub/Sub, counted and recorded. Next: pipeline/."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

import orjson

log = logging.getLogger(__name__)

# 20 ms of 2,000 events/s fill a tenth of a batch: latency stays low, and a backlog goes in large
# requests. The room is what may wait for its confirmation before tasks pause; the client's own
# flow control stands above it, for callers that do not ask whether there is room.
BATCH_MESSAGES, BATCH_BYTES, BATCH_SECONDS = 500, 1_000_000, 0.02
ROOM, MESSAGE_LIMIT, BYTE_LIMIT = 5_000, 10_000, 64 * 1024 * 1024
# The client's default waits up to a minute between two tries: too long to recover from a restart.
RETRY_FIRST_SECONDS, RETRY_MOST_SECONDS, RETRY_FOR_SECONDS = 0.1, 2.0, 600.0
ATTEMPT_SECONDS = 30.0


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


class Publisher:
    """Publishes to one topic through the official client; safe to use from many threads.

    With a `publish_log`, every confirmed message is appended to it as one JSON line
    `{"event_id", "event_type", "published_at"}` before its receipt resolves, so that a reader of
    the log never misses a message that somebody was told is published. As a context manager it
    waits at the end, and raises PublishFailed unless every message was confirmed.
    """

    def __init__(self, topic: str, publish_log: Path | None = None) -> None:
        self.topic = topic
        self.last_error: str | None = None
        self._publish_log = publish_log
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
                f"failed and {left} are not confirmed; last error: {self.last_error}"
            )

    def publish(
        self, data: bytes, attributes: Mapping[str, str] | None = None, ordering_key: str = ""
    ) -> Future[str]:
        """Hand a message to the client; the receipt gives its event id once Pub/Sub has it.

        The event id is the attribute `event_id`, else the Pub/Sub message id. The receipt fails
        with PublishFailed when Pub/Sub refuses the message or is away for 10 minutes, or when the
        log can't be written. Blocks while the client's flow control has no room. Raises the
        client's MessageTooLargeError for more than 10 MB, and its errors for missing credentials.
        """
        attributes = attributes or {}
        client = self._client(ordered=bool(ordering_key))
        answer = client.publish(self.topic, data, ordering_key=ordering_key, **attributes)
        self._count(published=1)
        sent = _Sent(attributes, ordering_key, answer, Future())
        answer.add_done_callback(partial(self._answered, sent))
        return sent.receipt

    def has_room(self) -> bool:
        """Whether a polite caller may publish now, rather than queue behind what waits."""
        return self._counts.outstanding < ROOM

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
        return left

    def _client(self, ordered: bool = False) -> Any:
        with self._connecting:
            if ordered not in self._clients:
                self._clients[ordered] = self._connect(ordered)
            return self._clients[ordered]

    def _connect(self, ordered: bool) -> Any:
        # Imported on first use: it takes a second, and a service should listen before that.
        from google.api_core import exceptions, retry
        from google.cloud.pubsub_v1 import PublisherClient
        from google.cloud.pubsub_v1 import types as pubsub

        transient = retry.if_exception_type(
            exceptions.Aborted,
            exceptions.Cancelled,
            exceptions.DeadlineExceeded,
            exceptions.InternalServerError,
            exceptions.ResourceExhausted,
            exceptions.ServiceUnavailable,
            exceptions.Unknown,
        )
        options = pubsub.PublisherOptions(
            # A client of its own: one that orders retries every message for ever.
            enable_message_ordering=ordered,
            flow_control=pubsub.PublishFlowControl(
                MESSAGE_LIMIT, BYTE_LIMIT, pubsub.LimitExceededBehavior.BLOCK
            ),
            retry=retry.Retry(
                transient,
                initial=RETRY_FIRST_SECONDS,
                maximum=RETRY_MOST_SECONDS,
                timeout=RETRY_FOR_SECONDS,
                on_error=self._note,
            ),
            timeout=ATTEMPT_SECONDS,
        )
        batch = pubsub.BatchSettings(BATCH_BYTES, BATCH_SECONDS, BATCH_MESSAGES)
        return PublisherClient(batch_settings=batch, publisher_options=options)

    def _note(self, error: Exception) -> None:
        if self.last_error is None:
            log.warning("Pub/Sub does not take messages, trying again: %s", error)
        self.last_error = str(error)

    def _count(self, published: int = 0, confirmed: int = 0, failed: int = 0) -> None:
        with self._settled:
            now = self._counts
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
            if error is None:
                self.last_error = None
                sent.receipt.set_result(_event_id(sent))
            else:
                self._give_up(sent, error)
        failed = len(batch) if unrecorded else len(batch) - len(confirmed)
        self._count(confirmed=len(batch) - failed, failed=failed)

    def _record(self, confirmed: list[_Sent]) -> NotRecorded | None:
        if self._publish_log is None or not confirmed:
            return None
        published_at = datetime.now(UTC).isoformat()
        lines = [
            orjson.dumps(
                {
                    "event_id": _event_id(sent),
                    "event_type": sent.attributes.get("event_type", ""),
                    "published_at": published_at,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for sent in confirmed
        ]
        try:
            # One unbuffered write to a file opened for appending: several processes may share it.
            with self._publish_log.open("ab", buffering=0) as file:
                file.write(b"".join(lines))
        except OSError as error:
            return NotRecorded(self._publish_log, error)
        return None

    def _give_up(self, sent: _Sent, error: PublishFailed) -> None:
        self.last_error = str(error)
        log.error("message given up: %s", error, extra={"attributes": dict(sent.attributes)})
        if sent.ordering_key:
            # The client refuses a key after its first failure until told to go on.
            self._client(ordered=True).resume_publish(self.topic, sent.ordering_key)
        sent.receipt.set_exception(error)


def _event_id(sent: _Sent) -> str:
    return sent.attributes.get("event_id") or str(sent.answer.result())
