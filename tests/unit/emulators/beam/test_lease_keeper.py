"""The thread that acks and extends, while Pub/Sub answers and while it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from localgcp.beam.acks import LeaseKeeper
from localgcp.beam.bundles import PullBatch
from localgcp.beam.subscriber import MOST_ACK_IDS, Subscriber

SECONDS = 5.0


class PubSub:
    """A subscription that writes down what it is asked, and may be away."""

    subscription = "projects/test-project/subscriptions/orders"

    def __init__(self) -> None:
        self.away = False
        self.acked: list[list[str]] = []
        self.extended: list[tuple[list[str], int]] = []
        self._changed = threading.Condition()

    def acknowledge(self, ack_ids: list[str]) -> bool:
        with self._changed:
            self.acked.append([] if self.away else ack_ids)
            self._changed.notify_all()
        return not self.away

    def extend(self, ack_ids: list[str], seconds: int) -> bool:
        with self._changed:
            self.extended.append((ack_ids, seconds))
            self._changed.notify_all()
        return not self.away

    def wait(self, until: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(until, SECONDS)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pubsub() -> PubSub:
    return PubSub()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keeper(pubsub: PubSub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[LeaseKeeper]:
    monkeypatch.setattr(LeaseKeeper, "TICK_SECONDS", 0.01)
    made = LeaseKeeper(cast("Subscriber", pubsub), 20, clock)
    made.start()
    yield made
    pubsub.away = False
    made.close(SECONDS)


def held(keeper: LeaseKeeper, *ack_ids: str, now: float = 100.0) -> PullBatch:
    batch = PullBatch(keeper.done)
    batch.ack_ids = list(ack_ids)
    batch.messages = len(ack_ids)
    keeper.leases.hold(batch, now)
    return batch


def test_what_is_done_is_acked(keeper: LeaseKeeper, pubsub: PubSub) -> None:
    held(keeper, "a", "b").release()
    pubsub.wait(lambda: pubsub.acked == [["a", "b"]])
    assert keeper.unacked() == []


def test_no_request_has_more_ack_ids_than_pubsub_takes(keeper: LeaseKeeper, pubsub: PubSub) -> None:
    ack_ids = [str(number) for number in range(2 * MOST_ACK_IDS + 1)]
    held(keeper, *ack_ids).release()
    pubsub.wait(lambda: len(pubsub.acked) == 3)
    assert [len(each) for each in pubsub.acked] == [MOST_ACK_IDS, MOST_ACK_IDS, 1]
    assert [ack_id for each in pubsub.acked for ack_id in each] == ack_ids


def test_an_ack_that_did_not_arrive_is_sent_again(keeper: LeaseKeeper, pubsub: PubSub) -> None:
    pubsub.away = True
    held(keeper, "a").release()
    pubsub.wait(lambda: len(pubsub.acked) > 1)
    assert keeper.unacked() == ["a"]
    pubsub.away = False
    pubsub.wait(lambda: pubsub.acked[-1] == ["a"])


def test_leases_are_extended_in_time_and_again_soon_where_that_failed(
    keeper: LeaseKeeper, pubsub: PubSub, clock: Clock
) -> None:
    pubsub.away = True
    held(keeper, "a")
    clock.now = 104.0
    pubsub.wait(lambda: pubsub.extended == [(["a"], 20)])
    pubsub.away = False
    clock.now = 105.0
    pubsub.wait(lambda: len(pubsub.extended) == 2)
    clock.now = 114.9
    held(keeper, "b", now=clock.now - 4).release()  # once this is acked, a look was taken
    pubsub.wait(lambda: ["b"] in pubsub.acked)
    assert [ids for ids, _ in pubsub.extended if "a" in ids] == [["a"], ["a"]]
    clock.now = 115.0
    pubsub.wait(lambda: pubsub.extended[-1] == (["a"], 20) and len(pubsub.extended) > 2)


def test_at_the_end_what_is_done_is_acked_and_the_rest_given_back(
    keeper: LeaseKeeper, pubsub: PubSub
) -> None:
    held(keeper, "rest")
    held(keeper, "done").release()
    assert keeper.close(1.0) == 0
    assert ["done"] in pubsub.acked
    assert pubsub.extended[-1] == (["rest"], 0)


def test_at_the_end_it_tells_how_many_acks_did_not_arrive(
    keeper: LeaseKeeper, pubsub: PubSub
) -> None:
    pubsub.away = True
    held(keeper, "a", "b").release()
    assert keeper.close(0.0) == 2


def test_after_the_end_no_thread_is_left(keeper: LeaseKeeper) -> None:
    name = f"leases of {PubSub.subscription}"
    assert [thread.daemon for thread in threading.enumerate() if thread.name == name] == [True]
    keeper.close(SECONDS)
    assert not [thread for thread in threading.enumerate() if thread.name == name]


@pytest.mark.parametrize(("seconds", "left"), [(10.0, 0), (1.0, 1)])
def test_at_the_end_it_tries_again_until_its_time_is_over(
    keeper: LeaseKeeper, pubsub: PubSub, clock: Clock, seconds: float, left: int
) -> None:
    keeper.close(SECONDS)  # its thread has ended, so that every ack below is of the end
    tries = iter([False, False, True])

    def acknowledge(ack_ids: list[str]) -> bool:
        clock.now += 1.0
        return next(tries)

    pubsub.acknowledge = acknowledge  # type: ignore[method-assign]
    held(keeper, "a").release()
    assert keeper.close(seconds) == left
    pubsub.acknowledge = lambda ack_ids: True  # type: ignore[method-assign]
