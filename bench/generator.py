"""How true the generator is to the rate asked for, and how far that is from the client's limit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

from google.cloud.pubsub_v1 import PublisherClient

import settings
from bench.events import messages
from bench.ground import Child, Ground, listens
from bench.rows import PER_SECOND, Kind, Row
from localgcp.base import LOOPBACK, claim_port

TITLE = "Generator: POST /generate/start into our Pub/Sub emulator"
A_SECOND = 2_000
MOST_A_SECOND = 10_000
"""The most that the generator takes a request for."""
PATIENCE_SECONDS = 60.0


def compare(ground: Ground) -> Iterator[Row]:
    """The rate achieved of 2,000 events/s, and of the most one may ask for; the bare client's."""
    seconds = ground.size(10, 2)
    with ground.emulator("pubsub"):
        topic = settings.load(ground.environ).topic
        client = PublisherClient()
        client.create_topic(name=topic)
        port = claim_port("generator", LOOPBACK, 0)
        where = {"HOST": LOOPBACK, "PORT": str(port)}
        with ground.module("services.generator", **where) as child:
            ground.wait(lambda: listens(port), "the generator", child)
            # What it can't keep up with takes it longer, so it is asked for less of it.
            for rate, length in ((A_SECOND, seconds), (MOST_A_SECOND, seconds // 2)):
                ground.step(f"{rate:,} events/s for {length} s")
                yield _generated(ground, child, f"http://{LOOPBACK}:{port}", rate, length)
        count = ground.size(30_000, 6_000)
        ground.step(f"the bare client: {count:,} messages made before")
        yield Row(
            *("as fast as it can", "official client alone", Kind.LIMIT),
            *(_publish(client, topic, count), PER_SECOND, "default batches, messages made before"),
        )


def _generated(ground: Ground, child: Child, url: str, rate: int, seconds: int) -> Row:
    asked = {"events_per_minute": rate * 60, "duration_minutes": seconds / 60}
    task = _json(Request(f"{url}/generate/start", json.dumps(asked).encode(), _JSON))
    status: dict[str, Any] = {}

    def ended() -> bool:
        status.update(_json(Request(f"{url}/generate/status/{task['id']}")))
        return status["state"] not in ("running", "stopping")

    ground.wait(ended, f"task {task['id']} to end", child, seconds + PATIENCE_SECONDS)
    measure = f"{rate:,} events/s asked" if rate == A_SECOND else "as fast as it can"
    remark = (
        f"{status['confirmed']:,} of {status['planned']:,} confirmed, {status['failed']:,} failed, "
        f"{rate:,}/s asked for {seconds} s"
    )
    achieved = status["achieved_per_minute"] / 60
    return Row(measure, "generator", Kind.OURS, achieved, PER_SECOND, remark)


_JSON = {"content-type": "application/json"}


def _json(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=10.0) as reply:
        answer: dict[str, Any] = json.load(reply)
        return answer


def _publish(client: PublisherClient, topic: str, count: int) -> float:
    ready = list(messages(count, "bare"))
    began = time.monotonic()
    receipts = [client.publish(topic, each.data, **each.attributes) for each in ready]
    for receipt in receipts:
        receipt.result(PATIENCE_SECONDS)
    return count / (time.monotonic() - began)
