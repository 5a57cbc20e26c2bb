"""Leases and their deadlines, alone."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain.leases import Entry, Outstanding
from localgcp.pubsub.domain.message import Message


class Holder:
    def __init__(self) -> None:
        self.released: list[Entry] = []

    def release(self, entry: Entry) -> None:
        self.released.append(entry)


def lent(outstanding: Outstanding, *deadlines: float, holder: Holder | None = None) -> list[Entry]:
    entries = []
    for number, deadline in enumerate(deadlines, 1):
        entry = Entry(Message(number, b"", 0.0, ""))
        outstanding.lease([entry], [f"ack-{number}"], deadline, holder)
        entries.append(entry)
    return entries


def test_a_lease_that_was_extended_does_not_end_at_its_old_deadline() -> None:
    outstanding = Outstanding()
    [entry] = lent(outstanding, 10)
    outstanding.extend(entry, 20)
    assert outstanding.next_deadline() == 20
    assert outstanding.expired(10) == []
    assert outstanding.expired(19.9) == []
    assert outstanding.expired(20) == [entry]


def test_a_lease_that_was_shortened_ends_once() -> None:
    outstanding = Outstanding()
    [entry] = lent(outstanding, 20)
    outstanding.extend(entry, 10)
    assert outstanding.expired(10) == [entry]
    assert outstanding.expired(20) == []


def test_an_entry_lent_again_has_its_new_deadline_alone() -> None:
    outstanding = Outstanding()
    [entry] = lent(outstanding, 10)
    outstanding.end(entry)
    outstanding.lease([entry], ["ack-again"], 30)
    assert outstanding.get("ack-1") is None
    assert outstanding.next_deadline() == 30
    assert outstanding.expired(10) == []


def test_leases_end_oldest_deadline_first() -> None:
    outstanding = Outstanding()
    late, early, later = lent(outstanding, 20, 10, 30)
    assert outstanding.expired(20) == [early, late]
    assert outstanding.next_deadline() == 30
    assert outstanding.get(later.ack_id) is later


def test_a_holder_is_told_once_of_each_lease_that_ends() -> None:
    outstanding, holder = Outstanding(), Holder()
    first, second, third = lent(outstanding, 10, 10, 10, holder=holder)
    outstanding.end(first)
    assert (first.ack_id, first.lease, holder.released) == ("", None, [first])
    outstanding.end_all()
    assert holder.released == [first, second, third]
    assert len(outstanding) == 0
    assert outstanding.next_deadline() is None
    outstanding.lease([first], ["ack-again"], 30)
    outstanding.end(first)
    assert holder.released == [first, second, third]


@pytest.mark.parametrize("times", [100, 1025, 5000])
def test_deadlines_that_moved_often_take_no_more_room_and_stay_right(times: int) -> None:
    outstanding = Outstanding()
    first, second, third = lent(outstanding, 10, 20, 30)
    for number in range(times):
        outstanding.extend(second, 40 + number / times)
    outstanding.extend(second, 25)
    assert len(outstanding._deadlines._heap) <= 2 * 3 + 64
    assert [outstanding.expired(now) for now in (10, 24.9, 25, 99)] == [
        [first],
        [],
        [second],
        [third],
    ]
