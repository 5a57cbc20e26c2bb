"""Reads Pub/Sub: each pull becomes one bundle, remembered as one batch until it may be acked."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apache_beam import pvalue
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.runners.direct.transform_evaluator import _TransformEvaluator
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp

from localgcp.beam.acks import LeaseKeeper
from localgcp.beam.bundles import PullBatch, TracedResult
from localgcp.beam.errors import CannotAck, InvalidTimestamp
from localgcp.beam.failures import Trouble
from localgcp.beam.source_watermark import SourceWatermark
from localgcp.beam.subscriber import Subscriber
from localgcp.clock import steady
from localgcp.logs import Seldom

log = logging.getLogger(__name__)

REMEMBERED_IDS = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Limits:
    """How much is pulled at once, how long a look takes, and how much may be unacked."""

    pull_messages: int
    wait_seconds: float
    outstanding_messages: int
    outstanding_bytes: int


@dataclass(frozen=True)
class Reading:
    """What one look at the subscription brought."""

    batch: PullBatch | None
    values: list[Any]
    """WindowedValues in the global window."""
    watermark: Timestamp


def beam_message(message: Any) -> PubsubMessage:
    """Beam's message of a protobuf one, without proto-plus, which costs four times the rest."""
    published = message.publish_time
    return PubsubMessage(
        message.data,
        dict(message.attributes),
        message.message_id,
        _EPOCH + timedelta(seconds=published.seconds, microseconds=published.nanos // 1000),
        message.ordering_key,
    )


class Reader:
    """The state of one ReadFromPubSub over the life of the job.

    A message that comes again (by `id_label`, else by its message id and publish time) while
    its first copy is held, or within the last 100,000, is not processed twice: its new ack id joins
    the first copy's fate.
    """

    def __init__(
        self,
        source: Any,
        subscriber: Subscriber,
        keeper: LeaseKeeper,
        limits: Limits,
        disconnect: Callable[[bool], None] = lambda over: None,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`source` is Beam's _PubSubSource; `clock` gives seconds since the epoch (`steady`).

        `disconnect` is called last of all, with what `close` is told.
        """
        self._subscriber, self._keeper, self._limits = subscriber, keeper, limits
        self._disconnect, self._clock, self._monotonic = disconnect, clock or steady(), monotonic
        self._with_attributes: bool = source.with_attributes
        self._id_label: str | None = source.id_label
        self._timestamp_attribute: str | None = source.timestamp_attribute
        self._recent: OrderedDict[str, PullBatch] = OrderedDict()
        self._was_full = False
        self._drain_is_safe = False
        self._seldom = Seldom(log, monotonic)
        self.watermark = SourceWatermark()
        self.pulled = 0
        self.serialized = False
        """Whether a message with attributes is given as a PubsubMessage in its serialized form."""
        self.draining = False
        self.hold_back = False
        """Set while bundles fail: what can't be worked off is not pulled."""

    @property
    def outstanding(self) -> int:
        """Messages pulled and not done."""
        return self._keeper.leases.messages

    @property
    def acked(self) -> int:
        """Messages done."""
        return self._keeper.leases.acked

    def trouble(self) -> Trouble | None:
        """What keeps it from its subscription. From any thread."""
        return self._subscriber.trouble()

    def close(self, over: bool = True) -> None:
        """Ack what is done and give the rest back to Pub/Sub.

        `over` says that the job will not be started again to go on with it.
        """
        self._subscriber.close()
        left = self.outstanding
        in_vain = self.draining and not self._drain_is_safe
        unsent = self._keeper.close(0.0) if in_vain else self._keeper.close()
        if left or unsent:
            log.warning(
                "%s: %d messages given back undone, %d acks not taken; all come again",
                self._subscriber.subscription, left, unsent,
            )  # fmt: skip
        self._disconnect(over)

    def remember(self, identities: Iterable[str]) -> None:
        """These messages are done: they are acked and not given when they come again."""
        done = PullBatch(lambda _: None)
        self._recent.update(dict.fromkeys(identities, done))

    def read(self) -> Reading:
        """Look once. Raises SubscriptionUnusable, InvalidTimestamp, CannotAck."""
        if self.draining:
            self._check_that_acks_arrive()
            return Reading(None, [], MAX_TIMESTAMP)
        room = self._room()
        began = Timestamp.of(self._clock())
        if self.hold_back or room <= 0:
            time.sleep(self._limits.wait_seconds)
            if room <= 0 and not self.hold_back:
                self.watermark.give_way(began)
            return Reading(None, [], self.watermark.value)
        polled = self._subscriber.poll(
            min(room, self._limits.pull_messages), self._limits.wait_seconds
        )
        if polled.messages:
            return self._take(polled.messages, began)
        if polled.empty:
            self.watermark.found_nothing(began)
        else:
            time.sleep(self._limits.wait_seconds)
        return Reading(None, [], self.watermark.value)

    def _check_that_acks_arrive(self) -> None:
        """Raise CannotAck where Pub/Sub is away as a drain begins.

        What the drain would write then comes again, all of it, and is written twice.
        """
        if self._drain_is_safe:
            return
        unacked = self._keeper.unacked()
        if unacked and not self._subscriber.extend(unacked[:1], self._keeper.lease):
            raise CannotAck(self._subscriber.subscription, len(unacked))
        self._drain_is_safe = True

    def _room(self) -> int:
        """How many messages more may be pulled now; says once when there is no more room."""
        leases, limits = self._keeper.leases, self._limits
        full = leases.size >= limits.outstanding_bytes
        room = 0 if full else limits.outstanding_messages - leases.messages
        if room <= 0 and not self._was_full:
            self._seldom.warn(
                "full",
                "%d messages (%d bytes) are unacked, in open windows: pulling rests until then",
                leases.messages, leases.size,
            )  # fmt: skip
        self._was_full = room <= 0
        return room

    def _take(self, received: list[Any], began: Timestamp) -> Reading:
        batch = PullBatch(self._keeper.done)
        values = []
        oldest = began
        for one in received:
            message = one.message
            timestamp = self._timestamp(message)
            oldest = min(oldest, timestamp)
            if self._is_duplicate(message, one.ack_id, batch):
                continue
            batch.ack_ids.append(one.ack_id)
            batch.size += len(message.data)
            values.append(GlobalWindows.windowed_value(self._element(message), timestamp))
        batch.messages = len(batch.ack_ids)
        self.pulled += batch.messages
        self._keeper.leases.hold(batch, self._monotonic())
        return Reading(batch, values, self.watermark.found(oldest, began))

    def _is_duplicate(self, message: Any, ack_id: str, batch: PullBatch) -> bool:
        label = message.attributes.get(self._id_label) if self._id_label else None
        # With its time: Google's emulator counts from 1 again after a restart.
        published = message.publish_time
        identity = label or f"{message.message_id} {published.seconds}.{published.nanos}"
        first = self._recent.get(identity)
        if first is batch:
            batch.ack_ids.append(ack_id)
        elif first is not None:
            self._keeper.leases.join(first, ack_id)
        else:
            self._recent[identity] = batch
            if self.serialized:
                batch.identities.append(identity)
            if len(self._recent) > max(REMEMBERED_IDS, self._keeper.leases.messages):
                self._recent.popitem(last=False)
        return first is not None

    def _element(self, message: Any) -> Any:
        if not self._with_attributes:
            return message.data
        if self.serialized:
            return message.SerializeToString()
        return beam_message(message)

    def _timestamp(self, message: Any) -> Timestamp:
        name = self._timestamp_attribute
        text = message.attributes.get(name) if name else None
        if not text:
            published = message.publish_time
            return Timestamp(micros=published.seconds * 1_000_000 + published.nanos // 1000)
        try:
            return Timestamp(micros=int(text) * 1000)
        except ValueError:
            pass
        try:
            stamp = Timestamp.from_rfc3339(text)
        except ValueError:
            raise InvalidTimestamp(message.message_id, str(name), text) from None
        return stamp.to_precision(Timestamp.MICROS_PRECISION, allow_lossy_conversion=True)


class PubSubRead(_TransformEvaluator):
    """Evaluates a ReadFromPubSub: one look at its reader, then itself again."""

    reader: Reader
    """Set by the registry."""

    def process_element(self, element: Any) -> None:
        """A root has no input."""

    def finish_bundle(self) -> TracedResult:
        """What the pull brought, with the source's watermark as its hold."""
        reading = self.reader.read()
        bundles = []
        if reading.batch is not None:
            (output,) = self._outputs
            bundle = self._evaluation_context.create_bundle(output)
            bundle.fill(reading.values)
            bundle.lineage = (reading.batch,)
            bundles.append(bundle)
        result = TracedResult(self, bundles, {None: reading.watermark})
        if reading.batch is not None:
            result.let_go = [reading.batch]
        if reading.watermark < MAX_TIMESTAMP:
            pipeline = self._applied_ptransform.transform.pipeline
            result.unprocessed_bundles = [
                self._evaluation_context.create_bundle(pvalue.PBegin(pipeline))
            ]
        return result


Connect = Callable[[str, Any, Any], Reader]
"""Opens the reader of a step by its label, its _PubSubSource and the pipeline's options."""
