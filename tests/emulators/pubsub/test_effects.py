"""What Pub/Sub does amiss on purpose, as the official clients meet it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import StreamingPullRequest

from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess

Throw = Callable[..., None]


@pytest.fixture
def throw(emulator: EmulatorProcess) -> Iterator[Throw]:
    """Throws one fault, by the page for it; none is left."""

    def put(**fault: Any) -> None:
        body = json.dumps({"faults": [fault] if fault else [], "seed": 3}).encode()
        url = f"http://{emulator.env['PUBSUB_EMULATOR_HOST']}/_emulator/faults"
        named = {"content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, named, method="PUT")):
            pass

    yield put
    put()


def test_a_delivered_message_comes_once_more_and_then_not_again(
    clients: Clients, throw: Throw
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    published = clients.publish(topic, *(b"%d" % n for n in range(20)))
    throw(match="Pull", effect="duplicate")
    received = [each for _ in range(2) for each in clients.pull_all(name, 20)]
    times = Counter(each.message.message_id for each in received)
    assert times == Counter(dict.fromkeys(published, 2))
    assert len({each.ack_id for each in received}) == 40
    first = [each.ack_id for each in received[:20]]
    clients.subscriber.acknowledge(subscription=name, ack_ids=first)  # late, and counts
    assert clients.pull(name, timeout=1) == []


def test_a_subscriber_that_works_on_a_message_gets_it_beside(
    clients: Clients, throw: Throw
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    throw(match="StreamingPull", effect="duplicate")
    got, both = Counter[str](), threading.Event()

    def work(message: Message) -> None:
        got[message.message_id] += 1
        if got[message.message_id] == 2:
            both.set()
        assert both.wait(20)
        message.ack()

    streaming = clients.subscriber.subscribe(name, work)
    [message_id] = clients.publish(topic, b"a")
    assert both.wait(20)
    streaming.cancel()
    streaming.result()
    assert got[message_id] == 2


def test_a_response_is_shuffled_but_for_what_is_ordered(clients: Clients, throw: Throw) -> None:
    topic = clients.topic()
    plain = clients.subscription(topic)
    ordered = clients.subscription(topic, enable_message_ordering=True)
    keyed = [{"data": b"%d" % n, "ordering_key": "k" if n % 2 else ""} for n in range(40)]
    clients.publish_request(topic, keyed)
    throw(match="Pull", effect="reorder")
    all_mixed = [int(each.message.data) for each in clients.pull_all(plain, 40)]
    assert sorted(all_mixed) == list(range(40)) != all_mixed
    by_key = [each.message for each in clients.pull_all(ordered, 40)]
    assert [int(each.data) for each in by_key if each.ordering_key] == list(range(1, 40, 2))
    free = [int(each.data) for each in by_key if not each.ordering_key]
    assert sorted(free) == list(range(0, 40, 2)) != free


def test_an_ack_is_lost_though_it_is_answered(clients: Clients, throw: Throw) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    [received] = clients.pull(name)
    throw(match="Acknowledge", effect="lose", times=1)
    clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
    clients.subscriber.modify_ack_deadline(
        subscription=name, ack_ids=[received.ack_id], ack_deadline_seconds=0
    )
    [again] = clients.pull(name)
    assert again.message == received.message
    clients.subscriber.acknowledge(subscription=name, ack_ids=[again.ack_id])
    assert clients.pull(name, timeout=1) == []


def test_an_open_stream_breaks_off_and_another_serves(clients: Clients, throw: Throw) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    over = threading.Event()

    def requests() -> Iterator[StreamingPullRequest]:
        yield StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=10)
        over.wait(60)  # an end of the requests would be the client's end of the stream

    stream = SubscriberClient.streaming_pull(clients.subscriber, requests=requests())
    throw(match="StreamingPull", effect="reset", code="ABORTED")
    with pytest.raises(exceptions.Aborted, match="thrown on purpose"):
        next(iter(stream))
    over.set()
    throw()
    came = threading.Event()

    def take(message: Message) -> None:
        message.ack()
        came.set()

    streaming = clients.subscriber.subscribe(name, take)
    clients.publish(topic, b"a")
    assert came.wait(20)
    streaming.cancel()
    streaming.result()


def test_an_effect_that_it_has_not_is_refused(throw: Throw) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        throw(match="Pull", effect="explode")
    with refused.value as answer:
        assert "effect should be one of duplicate, reorder, lose, reset" in answer.read().decode()
