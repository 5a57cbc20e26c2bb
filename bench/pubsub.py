"""How fast Pub/Sub emulators take and give messages, and how soon one gets through."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from bench.errors import Missing, TooSlow
from bench.events import messages
from bench.ground import Ground
from bench.rows import MESSAGES, MILLISECONDS, Kind, Row, latencies, skipped
from bench.wire import SENT, Wire, requests
from local.stack import PROJECT_ID

TITLE = "Pub/Sub: emulators by the official client and by raw requests"
TOPIC = f"projects/{PROJECT_ID}/topics/pubsub"
PUBLISH_ONE, PUBLISH_MANY = "publish, client defaults", "publish, 1,000 a request"
STREAMING_PULL, UNARY_PULL = "StreamingPull, client defaults", "pull 1,000 + ack"
LATENCY = "end to end at 100 msg/s"
A_SECOND = 100
WARM_UP = 1_000
MOST_PULL_SECONDS = 3.0
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Place:
    """A server under measure; sizes are messages, in a full run and in a quick one."""

    part: str
    kind: Kind
    start: Callable[[Ground], contextlib.AbstractContextManager[None]]
    remark: str
    in_bulk: tuple[int, int]
    """To publish."""
    streamed: tuple[int, int]
    pulled: tuple[int, int] = (20_000, 10_000)
    """The same for all, since a pull may cost more the more there is; stopped after a while."""


PLACES = (
    Place(
        *("our emulator", Kind.OURS, lambda ground: ground.emulator("pubsub"), "kept on disk"),
        *((20_000, 10_000), (10_000, 5_000)),
    ),
    Place(
        *("Google's emulator", Kind.STOCK, Ground.official_pubsub, "in memory"),
        *((20_000, 10_000), (4_000, 1_500)),
    ),
    Place(
        *("echo server", Kind.LIMIT, Ground.echo, "keeps nothing"),
        *((20_000, 10_000), (0, 0)),
    ),
)


def compare(ground: Ground) -> Iterator[Row]:
    """Rates and latency of each place; rows with a reason for one that this machine lacks."""
    for place in PLACES:
        try:
            with place.start(ground):
                yield from _measure(ground, place)
        except Missing as missing:
            for measure in (PUBLISH_ONE, PUBLISH_MANY, STREAMING_PULL, UNARY_PULL):
                yield skipped(measure, place.part, place.kind, MESSAGES, str(missing))
            for p in (50, 99):
                measure = f"{LATENCY}, p{p}"
                yield skipped(measure, place.part, place.kind, MILLISECONDS, str(missing))


def _measure(ground: Ground, place: Place) -> Iterator[Row]:
    def rated(measure: str, sizes: tuple[int, int], how: Callable[[str, int], float]) -> Row:
        count = ground.size(*sizes)
        ground.step(f"{place.part}: {measure}, {count:,} messages")
        rate = ground.best(lambda: how(_fresh(place), count))
        remark = f"{count:,} messages, best of {ground.passes}; {place.remark}"
        return Row(measure, place.part, place.kind, rate, MESSAGES, remark)

    with Wire(ground.environ["PUBSUB_EMULATOR_HOST"]) as wire:
        _publish_one_by_one(_fresh(place), WARM_UP)
        yield rated(PUBLISH_ONE, place.in_bulk, _publish_one_by_one)
        yield rated(PUBLISH_MANY, place.in_bulk, lambda *job: _publish_many(wire, *job))
        if place.kind is not Kind.LIMIT:
            yield rated(STREAMING_PULL, place.streamed, lambda *job: _stream(wire, *job))
        yield rated(UNARY_PULL, place.pulled, lambda *job: _pull(wire, *job))
        if place.kind is not Kind.LIMIT:
            ground.step(f"{place.part}: {LATENCY}")
            waits = _latencies(wire, _fresh(place), ground.size(5, 1) * A_SECOND)
            yield from latencies(LATENCY, place.part, place.kind, waits)


def _fresh(place: Place) -> str:
    """The name of a new topic, with a subscription of the same id."""
    topic = f"{TOPIC}-{time.monotonic_ns()}"
    if place.kind is not Kind.LIMIT:
        with SubscriberClient() as subscriber:
            PublisherClient().create_topic(name=topic)
            subscriber.create_subscription(
                name=_subscription(topic), topic=topic, ack_deadline_seconds=60
            )
    return topic


def _subscription(topic: str) -> str:
    return topic.replace("/topics/", "/subscriptions/")


def _publish_one_by_one(topic: str, count: int) -> float:
    client = PublisherClient()
    each = list(messages(count, "one"))
    began = time.monotonic()
    receipts = [client.publish(topic, one.data, **one.attributes) for one in each]
    for receipt in receipts:
        receipt.result(PATIENCE_SECONDS)
    return count / (time.monotonic() - began)


def _publish_many(wire: Wire, topic: str, count: int) -> float:
    ready = list(requests(topic, messages(count, "many")))
    began = time.monotonic()
    for request in ready:
        wire.send(request)
    return count / (time.monotonic() - began)


def _pull(wire: Wire, topic: str, count: int) -> float:
    wire.publish(topic, messages(count, "pull"))
    subscription, got = _subscription(topic), 0
    began = time.monotonic()
    while got < count and time.monotonic() < began + MOST_PULL_SECONDS:
        received = wire.pull(subscription).result().received_messages
        wire.ack(subscription, received).result()
        got += len(received)
    return got / (time.monotonic() - began)


def _stream(wire: Wire, topic: str, count: int) -> float:
    wire.publish(topic, messages(count, "stream"))
    arrived = Arrivals(count)
    with arrived.subscribed(topic):
        arrived.wait()
    moments = arrived.moments
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _latencies(wire: Wire, topic: str, count: int) -> list[float]:
    arrived = Arrivals(count)
    with arrived.subscribed(topic):
        began = time.monotonic()
        for number, message in enumerate(messages(count, "soon")):
            time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            wire.publish_now(topic, *message)
        arrived.wait()
    return arrived.waits


class Arrivals:
    """What the official client's callbacks were given, acked at once."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._all = threading.Event()
        self.moments: list[float] = []
        self.waits: list[float] = []
        """Seconds since the publishing of each message that tells it."""

    @contextlib.contextmanager
    def subscribed(self, topic: str) -> Iterator[None]:
        """Receive by StreamingPull, with the client's default flow control."""
        with SubscriberClient() as subscriber:
            streaming = subscriber.subscribe(_subscription(topic), self._take)
            try:
                yield
            finally:
                streaming.cancel()
                streaming.result()

    def wait(self) -> None:
        """Until as many as asked for are here. Raises TooSlow."""
        if not self._all.wait(PATIENCE_SECONDS):
            raise TooSlow(f"message {len(self.moments) + 1} of {self._count}", PATIENCE_SECONDS)

    def _take(self, message: Any) -> None:
        message.ack()
        now = time.monotonic()
        if sent := message.attributes.get(SENT):
            self.waits.append(now - float(sent))
        self.moments.append(now)
        if len(self.moments) >= self._count:
            self._all.set()
