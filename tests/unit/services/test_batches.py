"""What is put together into one request, when it goes, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from services.generator import batches
from services.generator.batches import BATCH_BYTES, BATCH_MESSAGES, Batches, MessageTooLarge

SOON = 10.0


class World:
    """Batches over a Pub/Sub that gives numbers, or fails for the message `bad`."""

    def __init__(self) -> None:
        self.told: Queue[tuple[list[str], list[str] | Exception]] = Queue()
        self.now = 0.0
        self.batches: Batches[str] = Batches(
            self.send, lambda *answer: self.told.put(answer), lambda: self.now
        )

    def send(self, messages: list[Any]) -> list[str]:
        if "bad" in messages:
            raise ConnectionError("refused")
        return [f"id of {each}" for each in messages]

    def add(self, *names: str, size: int = 100) -> None:
        for name in names:
            self.batches.add(name, size, name)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.batches.close()


def test_a_full_request_goes_at_once_and_the_rest_when_its_time_has_come(world: World) -> None:
    names = [f"m{number}" for number in range(BATCH_MESSAGES + 1)]
    world.add(*names)
    tokens, ids = world.told.get(timeout=SOON)
    assert tokens == names[:-1]
    assert ids == [f"id of {each}" for each in names[:-1]]
    assert world.told.empty()
    world.now = batches.BATCH_SECONDS
    assert world.told.get(timeout=SOON) == (["m500"], ["id of m500"])


def test_a_request_holds_no_more_bytes_than_it_may(world: World) -> None:
    world.add("a", "b", "c", size=BATCH_BYTES // 2)
    assert world.told.get(timeout=SOON)[0] == ["a", "b"]
    world.add("large", size=BATCH_BYTES * 2)  # goes alone
    assert world.told.get(timeout=SOON)[0] == ["c"]
    with pytest.raises(MessageTooLarge, match="message of 10000001 bytes"):
        world.add("too large", size=10_000_001)
    world.batches.close()
    assert world.told.get(timeout=SOON)[0] == ["large"]


def test_a_failure_is_told_and_stops_no_other(world: World) -> None:
    world.add("bad")
    world.now += 1
    tokens, error = world.told.get(timeout=SOON)
    assert (tokens, str(error)) == (["bad"], "refused")
    world.add("good")
    world.now += 1
    assert world.told.get(timeout=SOON) == (["good"], ["id of good"])


def test_a_close_sends_what_is_there_and_ends_the_threads(world: World) -> None:
    world.add("last")
    world.batches.close()
    assert world.told.get(timeout=SOON)[0] == ["last"]
    for thread in world.batches.senders:
        thread.join(SOON)
        assert not thread.is_alive()
