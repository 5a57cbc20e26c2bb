"""How fast a runner moves events from a subscription into nowhere, and how soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from bench.events import messages
from bench.ground import Ground
from bench.jobs.tally import Tally
from bench.rows import PER_SECOND, Kind, Row, latencies
from bench.wire import Wire
from local.stack import PROJECT_ID

TITLE = "Runner: a preloaded subscription into a null sink"
TOPIC = f"projects/{PROJECT_ID}/topics/runner"
A_SECOND = 50
DRAIN_SECONDS = 90.0


@dataclass(frozen=True)
class Contender:
    """A job that reads a subscription."""

    part: str
    kind: Kind
    job: str
    """Module of `bench.jobs`."""
    first_argument: str
    events: tuple[int, int]
    """How many it drains, in a full run and in a quick one."""
    remark: str = ""


def contenders(address: str) -> tuple[Contender, ...]:
    """Ours, Beam's own, and a loop with no Beam at all."""
    beam, loop = "null_sink", "pull_loop"
    stock = "acks before it processes"
    return (
        Contender("LocalRunner", Kind.OURS, beam, "LocalRunner", (60_000, 10_000)),
        Contender(
            *("BundleBasedDirectRunner", Kind.STOCK, beam, "DirectRunner"), (3_000, 600), stock
        ),
        Contender("Python pull loop", Kind.LIMIT, loop, address, (60_000, 10_000)),
    )


def compare(ground: Ground) -> Iterator[Row]:
    """Events a second from a backlog, then latency at a trickle, of each contender."""
    with ground.emulator("pubsub"):
        address = ground.environ["PUBSUB_EMULATOR_HOST"]
        PublisherClient().create_topic(name=TOPIC)
        for contender in contenders(address):
            yield from _measure(ground, contender, address)


def _measure(ground: Ground, contender: Contender, address: str) -> Iterator[Row]:
    count = ground.size(*contender.events)
    tally = Tally(ground.folder / f"tally-{contender.part}")
    subscription = TOPIC.replace("/topics/", "/subscriptions/") + f"-{contender.kind}"
    with SubscriberClient() as subscriber, Wire(address) as wire:
        subscriber.create_subscription(name=subscription, topic=TOPIC, ack_deadline_seconds=60)
        wire.publish(TOPIC, messages(count, contender.kind))
        ground.step(f"{contender.part}: {count:,} events from a backlog")
        job = (contender.job, contender.first_argument, subscription, str(tally.path))
        with ground.module("bench.jobs", *job) as child:
            ground.wait(lambda: tally.total() >= count, "the backlog", child, DRAIN_SECONDS)
            remark = "; ".join(filter(None, (f"{count:,} events", contender.remark)))
            yield Row(
                *("backlog drained", contender.part, contender.kind, tally.rate()),
                *(PER_SECOND, remark),
            )
            trickle = ground.size(8, 2) * A_SECOND
            ground.step(f"{contender.part}: {A_SECOND} events/s for {trickle // A_SECOND} s")
            _trickle(wire, trickle)
            ground.wait(lambda: tally.total() >= count + trickle, "the trickle", child)
        yield from latencies(
            f"latency at {A_SECOND} events/s", contender.part, contender.kind, tally.waits
        )
        subscriber.delete_subscription(subscription=subscription)


def _trickle(wire: Wire, count: int) -> None:
    began = time.monotonic()
    for number, message in enumerate(messages(count, "trickle")):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        wire.publish_now(TOPIC, *message)
