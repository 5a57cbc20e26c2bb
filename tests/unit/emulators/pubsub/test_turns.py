"""Consumers of one subscription take turns: whoever has room gets its share, and none starves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.waiters import Waiters
from localgcp.pubsub.wire.consumer import Consumer
from tests.unit.emulators.pubsub.bench import Bench

MANY, ROOM = 500, 10


class Streams:
    """So many clients of one subscription, each of which notes what it gets, and acks it."""

    def __init__(self, bench: Bench, rooms: list[int], ordered: bool = False) -> None:
        self.bench = bench
        self.subscription = bench.subscribe(enable_message_ordering=ordered)
        self.got: Counter[int] = Counter()
        self._rooms = rooms

    async def run(self, publish: Callable[[], Awaitable[None]], expected: int) -> None:
        tasks = [asyncio.create_task(self._take(n, room)) for n, room in enumerate(self._rooms)]
        await asyncio.sleep(0)
        await publish()
        async with asyncio.timeout(30):
            while sum(self.got.values()) < expected:
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, number: int, room: int) -> None:
        consumer = Consumer(self.subscription, self.bench.clock, max_messages=room)
        while True:
            batch = await consumer.batch()
            self.got[number] += len(batch)
            await asyncio.sleep(0)
            self.bench.ack(self.subscription, *(entry.ack_id for entry in batch))


def test_500_streams_share_what_comes_at_once(bench: Bench) -> None:
    streams = Streams(bench, [ROOM] * MANY)

    async def publish() -> None:
        bench.publish(*(str(n) for n in range(MANY)))

    asyncio.run(streams.run(publish, MANY))
    assert set(streams.got.values()) == {1}
    assert len(streams.got) == MANY


@pytest.mark.parametrize("key", ["", "each"])
def test_500_streams_share_what_comes_one_by_one(bench: Bench, key: str) -> None:
    streams, rounds = Streams(bench, [ROOM] * MANY, ordered=bool(key)), 3

    async def publish() -> None:
        for number in range(rounds * MANY):
            bench.publish("x", key=f"{key}{number}" if key else "")
            await asyncio.sleep(0)

    asyncio.run(streams.run(publish, rounds * MANY))
    assert len(streams.got) == MANY
    assert max(streams.got.values()) - min(streams.got.values()) <= rounds


def test_a_stream_with_much_room_leaves_their_share_to_those_with_little(bench: Bench) -> None:
    streams = Streams(bench, [1000, 1, 1, 1])

    async def publish() -> None:
        for _ in range(100):
            bench.publish(*"abcd")
            await asyncio.sleep(0.002)

    asyncio.run(streams.run(publish, 400))
    assert min(streams.got.values()) > 60


def test_one_stream_alone_gets_all_that_it_has_room_for(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish(*("x" for _ in range(50)))
    consumer = Consumer(subscription, bench.clock, max_messages=40)
    assert len(asyncio.run(consumer.batch())) == 40


def test_who_comes_later_takes_nothing_that_another_was_called_for(bench: Bench) -> None:
    subscription = bench.subscribe()

    async def meet() -> tuple[int, bool]:
        first = asyncio.create_task(taken(subscription, bench))
        await asyncio.sleep(0)
        bench.publish("a")
        second = asyncio.create_task(taken(subscription, bench))
        got = await first
        waits = not second.done()
        second.cancel()
        with suppress(asyncio.CancelledError):
            await second
        return got, waits

    assert asyncio.run(meet()) == (1, True)
    assert not subscription.waiters


def test_a_call_that_was_given_up_goes_to_the_next(bench: Bench) -> None:
    subscription = bench.subscribe()

    async def meet() -> int:
        first = asyncio.create_task(taken(subscription, bench))
        second = asyncio.create_task(taken(subscription, bench))
        await asyncio.sleep(0)
        bench.publish("a")
        first.cancel()
        async with asyncio.timeout(5):
            return await second

    assert asyncio.run(meet()) == 1


async def taken(subscription: Subscription, bench: Bench) -> int:
    return len(await Consumer(subscription, bench.clock).batch())


def test_who_was_called_in_vain_is_called_next() -> None:
    ready, called = [True], list[str]()
    waiters = Waiters(lambda: bool(ready))

    def first() -> None:
        called.append("first")

    def second() -> None:
        called.append("second")

    waiters.add(first)
    waiters.add(second)
    waiters.notify()
    waiters.again(first)
    waiters.again(second)  # not called yet: it keeps its place
    waiters.notify(5)
    assert called == ["first", "first", "second"]
    assert len(waiters) == 2
    waiters.remove(first)
    waiters.remove(first)
    waiters.remove(second)
    assert not waiters
