"""What waits, alone: limits, turns of the lanes, what comes back, what an earlier run had taken."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from localgcp.pubsub.domain.backlog import Ordered, Unordered
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.unacked import Unacked

Queue = Ordered | Unordered
MANY = 1_000


def message(number: int, key: str = "", size: int = 1) -> Message:
    return Message(number, b"x" * size, 0.0, key)


def numbers(entries: Iterable[Entry]) -> list[int]:
    return [each.message.id for each in entries]


def added(backlog: Queue, *messages: Message) -> list[Entry]:
    backlog._held.add(messages)
    backlog.add(messages)
    return [entry for each in messages if (entry := backlog._held.entry(each.id))]


def settle(backlog: Queue, entry: Entry) -> None:
    backlog._held.drop(entry.message)
    backlog.settle(entry)


def ordered() -> Ordered:
    return Ordered(Unacked())


@pytest.fixture(params=[Unordered, Ordered])
def backlog(request: pytest.FixtureRequest) -> Queue:
    made: Queue = request.param(Unacked())
    return made


def test_it_gives_what_was_added_in_order_up_to_the_limit(backlog: Queue) -> None:
    added(backlog, *map(message, range(1, 6)))
    assert numbers(backlog.take(2, MANY)) == [1, 2]
    assert numbers(backlog.take(2, MANY)) == [3, 4]
    assert numbers(backlog.take(2, MANY)) == [5]
    assert not backlog.waiting()
    assert backlog.take(2, MANY) == []


def test_it_gives_no_more_bytes_than_fit_but_always_one(backlog: Queue) -> None:
    added(backlog, message(1, size=5), message(2, size=5), message(3, size=1))
    assert numbers(backlog.take(9, 10)) == [1, 2]
    added(backlog, message(4, size=50), message(5))
    assert numbers(backlog.take(9, 10)) == [3]
    assert numbers(backlog.take(9, 10)) == [4]
    assert numbers(backlog.take(9, 10)) == [5]


def test_what_is_settled_while_it_waits_is_never_given(backlog: Queue) -> None:
    first, second, third, fourth = added(backlog, *map(message, range(1, 5)))
    for each in (first, third):
        settle(backlog, each)
    assert backlog.waiting()
    assert numbers(backlog.take(9, MANY)) == [2, 4]
    backlog.put_back(second)
    backlog.put_back(fourth)
    settle(backlog, second)
    settle(backlog, fourth)
    assert not backlog.waiting()


def test_what_comes_back_without_a_key_goes_to_the_end(backlog: Queue) -> None:
    added(backlog, *map(message, range(1, 4)))
    [first] = backlog.take(1, MANY)
    backlog.put_back(first)
    assert numbers(backlog.take(9, MANY)) == [2, 3, 1]


def test_the_last_one_of_all_comes_back_too(backlog: Queue) -> None:
    added(backlog, message(1))
    [only] = backlog.take(1, MANY)
    assert not backlog.waiting()
    backlog.put_back(only)
    assert backlog.waiting()
    assert backlog.take(9, MANY) == [only]
    assert not backlog.waiting()


def test_two_without_a_key_come_back_into_one_lane() -> None:
    backlog = ordered()
    added(backlog, message(1), message(2), message(3, "k"))
    one, two = backlog.take(2, MANY)
    backlog.put_back(one)
    backlog.put_back(two)
    assert numbers(backlog.take(1, MANY)) == [3]
    assert numbers(backlog.take(1, MANY)) == [1]
    assert numbers(backlog.take(1, MANY)) == [2]
    assert not backlog.waiting()


def test_an_ack_without_a_key_drops_it_alone_even_when_late(backlog: Queue) -> None:
    first, _ = added(backlog, message(1), message(2))
    backlog.take(9, MANY)
    assert backlog.ack({first: True}) == [first]
    assert backlog.ack({first: False}) == [first]
    assert backlog.unordered([first]) == []
    assert backlog.after(first) == []


def test_what_an_earlier_run_had_taken_is_held(backlog: Queue) -> None:
    first, second, third = added(backlog, message(1), message(2), message(3))
    backlog.hold([first, third])
    assert numbers(backlog.take(9, MANY)) == [2]
    backlog.put_back(third)
    backlog.put_back(first)
    assert numbers(backlog.take(9, MANY)) == [3, 1]
    assert not second.early


def test_lanes_that_an_earlier_run_had_taken_from_wait_for_it() -> None:
    backlog = ordered()
    loose, a1, a2, b1, a3 = added(
        backlog, message(1), message(2, "a"), message(3, "a"), message(4, "b"), message(5, "a")
    )
    backlog.hold([loose, a1, a2])
    assert backlog.take(9, MANY) == [b1]
    assert not backlog.waiting()
    assert backlog.after(a1) == [a2]
    assert backlog.ack({a2: True}) == []
    assert backlog.ack({a1: True}) == [a1, a2]
    for each in (a1, a2):
        settle(backlog, each)
    assert backlog.take(9, MANY) == [a3]


def test_a_lane_gives_one_batch_until_all_of_it_is_settled() -> None:
    backlog = ordered()
    a1, a2, a3 = added(backlog, message(1, "a"), message(2, "a"), message(3, "a"))
    assert backlog.take(2, MANY) == [a1, a2]
    assert not backlog.waiting()
    settle(backlog, a1)
    assert not backlog.waiting()
    settle(backlog, a2)
    assert backlog.take(2, MANY) == [a3]


def test_lanes_take_turns_and_share_both_limits() -> None:
    backlog = ordered()
    a1, a2, b1, b2, b3 = added(
        backlog, message(1, "a"), message(2, "a"), message(3, "b"), message(4, "b"), message(5, "b")
    )
    assert backlog.take(3, MANY) == [a1, a2, b1]
    settle(backlog, b1)
    assert backlog.take(9, 1) == [b2]
    settle(backlog, b2)
    settle(backlog, a1)
    settle(backlog, a2)
    assert backlog.take(9, MANY) == [b3]


def test_bytes_that_are_used_up_leave_the_next_lane_its_turn() -> None:
    backlog = ordered()
    a1, b1, c1 = added(backlog, message(1, "a", 4), message(2, "b", 4), message(3, "c", 4))
    assert backlog.take(9, 4) == [a1]
    assert backlog.take(9, 6) == [b1]
    assert backlog.take(9, 6) == [c1]


def test_no_limit_is_overstepped_by_a_second_lane() -> None:
    backlog = ordered()
    entries = added(backlog, *(message(n, key) for n, key in enumerate("abab", 1)))
    assert backlog.take(3, MANY) == [entries[0], entries[2], entries[1]]


def test_what_fails_comes_back_before_what_follows_in_any_order() -> None:
    backlog = ordered()
    entries = added(backlog, *(message(n, "a") for n in range(1, 6)))
    assert backlog.take(4, MANY) == entries[:4]
    for each in (entries[2], entries[0], entries[3], entries[1]):
        assert not backlog.waiting()
        backlog.put_back(each)
    assert backlog.take(9, MANY) == entries


def test_what_follows_a_failure_in_its_own_lane_is_told_in_order() -> None:
    backlog = ordered()
    a1, b1, a2, a3 = added(
        backlog, message(1, "a"), message(2, "b"), message(3, "a"), message(4, "a")
    )
    assert backlog.after(a1) == []  # it waits: nothing was taken
    backlog.take(3, MANY)
    assert backlog.after(a1) == [a2, a3]
    assert backlog.after(a2) == [a3]
    assert backlog.after(b1) == []
    assert backlog.after(Entry(message(9, "nobody"))) == []


def test_an_ack_after_its_lease_ended_drops_nothing_of_a_lane() -> None:
    backlog = ordered()
    [a1] = added(backlog, message(1, "a"))
    backlog.take(1, MANY)
    assert backlog.ack({a1: False}) == []
    assert not a1.early


def test_acks_of_one_request_may_come_in_any_order() -> None:
    backlog = ordered()
    a1, a2, _, b2, loose = added(
        backlog, message(1, "a"), message(2, "a"), message(3, "b"), message(4, "b"), message(5)
    )
    backlog.take(9, MANY)
    assert backlog.ack({b2: True, a2: True, loose: True, a1: True}) == [loose, a1, a2]


def test_what_is_acked_before_an_earlier_one_of_its_key_is_out_of_order() -> None:
    backlog = ordered()
    a1, a2, a3, b1, loose = added(
        backlog, message(1, "a"), message(2, "a"), message(3, "a"), message(4, "b"), message(5)
    )
    backlog.take(9, MANY)
    assert backlog.unordered([loose, b1, a3, a1]) == [a3]
    assert backlog.unordered([a3, a2]) == [a2, a3]
    assert backlog.unordered([a3, a2, a1]) == []
    assert backlog.ack({a1: True}) == [a1]
    assert backlog.unordered([a2]) == []  # the first is acked, if not dropped yet


def test_settling_what_waits_lets_nobody_elses_lane_go() -> None:
    backlog = ordered()
    a1, a2 = added(backlog, message(1, "a"), message(2, "a"))
    backlog.take(1, MANY)
    settle(backlog, a2)
    backlog.settle(Entry(message(7, "b")))
    backlog.settle(Entry(message(8)))
    assert not backlog.waiting()
    settle(backlog, a1)
    assert not backlog.waiting()


def test_a_lane_that_an_earlier_run_had_emptied_is_made_again(backlog: Queue) -> None:
    [only] = added(backlog, message(1))
    backlog.hold([only])
    assert not backlog.waiting()
    backlog.put_back(only)
    assert backlog.take(9, MANY) == [only]
