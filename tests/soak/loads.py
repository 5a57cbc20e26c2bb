"""What clients do all at once while the emulator is watched: one function a kind of client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Any

import httpx
from google.api_core import exceptions

from tests.parity.place import PROJECT, Place, answer

BATCHES = (1, 1, 1, 10, 100, 1000)
PAUSE_SECONDS = 0.05
MOST_BEHIND = 5_000


@dataclass
class Shared:
    """What the clients know together."""

    address: str
    place: Place
    stopping: Event
    topic: str
    streamed: str
    """A subscription that is read by StreamingPull."""
    pulled: str
    """One with ordering keys, that is read by Pull."""
    published: set[str] = field(default_factory=set)
    seen: dict[str, set[str]] = field(default_factory=dict)
    """Message ids by subscription."""


Load = Callable[[Shared, Random], None]


def publish(shared: Shared, rng: Random) -> None:
    """Batches of all sizes, some with ordering keys; waits where the readers are behind."""
    behind = len(shared.published) - min(map(len, shared.seen.values()))
    if behind > MOST_BEHIND:
        return
    size, key = rng.choice(BATCHES), rng.choice(["", "", "a", "b", "c"])
    payload = "x" * rng.choice([10, 300, 3_000])
    shared.published.update(shared.place.publish(shared.topic, *[payload] * size, key=key))


def pull(shared: Shared, rng: Random) -> None:
    """Pull and ack; now and then give back."""
    received = shared.place.pull(shared.pulled, 1000)
    if not received:
        return
    if rng.random() < 0.05:
        shared.place.nack(shared.pulled, *received)
        return
    shared.place.ack(shared.pulled, *received)
    shared.seen[shared.pulled].update(each.message.message_id for each in received)


def receive(shared: Shared, rng: Random) -> Callable[[Any], None]:
    """The callback of a StreamingPull."""

    def take(message: Any) -> None:
        if rng.random() < 0.02:
            message.nack()
            return
        shared.seen[shared.streamed].add(message.message_id)
        message.ack()

    return take


def replay(shared: Shared, rng: Random) -> None:
    """From making to deleting: a topic, a subscription that retains, a snapshot, two seeks."""
    place = shared.place
    topic, name = place.pair(retain_acked_messages=True)
    snapshot = place.name("snapshots")
    place.publish(topic, *["x" * 300] * rng.randint(1, 300))
    place.subscriber.create_snapshot(name=snapshot, subscription=name)
    if received := place.pull(name, 1000):  # none, where the machine is too busy to answer
        place.ack(name, *received)
    place.subscriber.seek({"subscription": name, "snapshot": snapshot})
    place.subscriber.seek({"subscription": name, "time": {"seconds": int(time.time()) + 60}})
    place.subscriber.delete_snapshot(snapshot=snapshot)
    place.subscriber.delete_subscription(subscription=name)
    place.publisher.delete_topic(topic=topic)


def exactly_once(shared: Shared, rng: Random) -> None:
    """Acks in time, and too late."""
    place = shared.place
    topic, name = place.pair(enable_exactly_once_delivery=True, ack_deadline_seconds=60)
    place.publish(topic, *["x"] * rng.randint(1, 50))
    if received := place.pull(name):
        place.ack(name, *received)
        assert answer(lambda: place.ack(name, *received)) == "INVALID_ARGUMENT"
    place.subscriber.delete_subscription(subscription=name)
    place.publisher.delete_topic(topic=topic)


def schemas(shared: Shared, rng: Random) -> None:
    """A schema, messages that fit and one that does not."""
    place, name = shared.place, shared.place.name("schemas")
    fields = [{"name": "id", "type": "string"}]
    definition = json.dumps({"type": "record", "name": "R", "fields": fields})
    schema = {"type_": 2, "definition": definition}
    place.schemas.create_schema(parent=PROJECT, schema=schema, schema_id=name.rpartition("/")[2])
    topic = place.topic(schema_settings={"schema": name, "encoding": 1})
    place.publish(topic, *['{"id": "1"}'] * rng.randint(1, 20))
    assert answer(lambda: place.publish(topic, '{"id": 1}')) == "INVALID_ARGUMENT"
    place.publisher.delete_topic(topic=topic)
    place.schemas.delete_schema(name=name)


def rest(shared: Shared, rng: Random) -> None:
    """Lists and figures by REST."""
    path = rng.choice([f"/v1/{PROJECT}/topics", f"/v1/{PROJECT}/subscriptions", "/health"])
    httpx.get(f"http://{shared.address}{path}", timeout=30).raise_for_status()


def until_stopped(shared: Shared, load: Load, seed: int) -> int:
    """Repeat a load; return how often. What a client is told while it is busy is no failure."""
    rng, count = Random(seed), 0
    while not shared.stopping.wait(PAUSE_SECONDS):
        try:
            load(shared, rng)
        except (exceptions.DeadlineExceeded, exceptions.ServiceUnavailable, httpx.TimeoutException):
            continue
        count += 1
    return count


LOADS: tuple[Load, ...] = (publish, publish, pull, replay, exactly_once, schemas, rest)
