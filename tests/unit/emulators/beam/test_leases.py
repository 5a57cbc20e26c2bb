"""Deadlines and acks by a clock that is passed in."""

from __future__ import annotations

from localgcp.beam.acks import Leases
from localgcp.beam.bundles import PullBatch


def batch_of(leases: Leases, *ack_ids: str, now: float = 0.0) -> PullBatch:
    batch = PullBatch(leases.release)
    batch.ack_ids = list(ack_ids)
    batch.messages = len(ack_ids)
    batch.size = 10 * len(ack_ids)
    leases.hold(batch, now)
    return batch


def test_what_is_held_is_extended_before_the_shortest_deadline_and_then_at_half_a_lease() -> None:
    leases = Leases(lease_seconds=20)
    batch_of(leases, "a", "b")
    assert leases.take_due(3.9) == []
    assert leases.take_due(4.0) == ["a", "b"]
    assert leases.take_due(13.9) == []
    assert leases.take_due(14.0) == ["a", "b"]


def test_what_is_done_is_acked_once_and_extended_no_more() -> None:
    leases = Leases(20)
    batch = batch_of(leases, "a", "b")
    other = batch_of(leases, "c")
    assert (leases.messages, leases.size) == (3, 30)
    batch.release()
    assert leases.take_done() == ["a", "b"]
    assert leases.take_done() == []
    assert leases.take_due(60.0) == ["c"]
    assert (leases.messages, leases.size, leases.acked) == (1, 10, 2)
    assert leases.all_held() == other.ack_ids
    other.release()
    assert (leases.messages, leases.size, leases.acked) == (0, 0, 3)


def test_a_batch_is_done_when_its_last_hold_goes() -> None:
    leases = Leases(20)
    batch = batch_of(leases, "a")
    batch.holds += 2
    batch.release()
    batch.release()
    assert leases.take_done() == []
    batch.release()
    assert leases.take_done() == ["a"]


def test_an_ack_that_did_not_arrive_is_due_again() -> None:
    leases = Leases(20)
    batch_of(leases, "a").release()
    leases.give_back(leases.take_done())
    assert leases.take_done() == ["a"]


def test_an_extension_that_did_not_arrive_is_due_in_a_second() -> None:
    leases = Leases(20)
    batch_of(leases, "a")
    batch_of(leases, "b")
    leases.take_due(4.0)
    leases.retry_soon(["b"], 4.0)
    assert leases.take_due(4.9) == []
    assert leases.take_due(5.0) == ["b"]


def test_a_second_delivery_shares_the_fate_of_the_first() -> None:
    leases = Leases(20)
    batch = batch_of(leases, "a")
    leases.join(batch, "a again")
    assert leases.take_due(4.0) == ["a", "a again"]
    batch.release()
    leases.join(batch, "a once more")
    assert leases.take_done() == ["a", "a again", "a once more"]
    assert leases.acked == 1
