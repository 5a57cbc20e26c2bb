"""Ordering keys: one batch of a key out at a time, and a failure takes what follows with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.emulators.pubsub.bench import Bench


def test_a_key_is_held_until_its_batch_is_settled(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    bench.publish("a1", "a2", "a3", key="a")
    bench.publish("b1", key="b")
    first = bench.pull(subscription, limit=2)
    assert list(first) == ["a1", "a2"]
    assert list(bench.pull(subscription)) == ["b1"]
    bench.ack(subscription, first["a1"])
    assert bench.pull(subscription) == {}
    bench.ack(subscription, first["a2"])
    assert list(bench.pull(subscription)) == ["a3"]


def test_messages_without_a_key_are_never_held(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    bench.publish("x", "y")
    assert list(bench.pull(subscription, limit=1)) == ["x"]
    assert list(bench.pull(subscription, limit=1)) == ["y"]


def test_a_nack_redelivers_the_tail_in_order(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    bench.publish("a1", "a2", "a3", "a4", key="a")
    batch = bench.pull(subscription, limit=3)
    bench.nack(subscription, batch["a2"])
    bench.ack(subscription, batch["a1"])
    assert list(bench.pull(subscription)) == ["a2", "a3", "a4"]


def test_a_nack_brings_back_even_what_was_acked_behind_it(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    bench.publish("a1", "a2", "a3", "a4", key="a")
    batch = bench.pull(subscription)
    bench.ack(subscription, batch["a1"], batch["a3"])
    assert len(subscription.unacked) == 3
    bench.nack(subscription, batch["a2"])
    bench.ack(subscription, batch["a4"])
    again = bench.pull(subscription)
    assert list(again) == ["a2", "a3", "a4"]
    bench.ack(subscription, *reversed(again.values()))
    assert not subscription.unacked


def test_deadlines_of_a_batch_that_pass_together_keep_the_order(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    bench.publish("a1", "a2", "a3", key="a")
    bench.pull(subscription)
    bench.pass_time(10)
    assert list(bench.pull(subscription)) == ["a1", "a2", "a3"]


def test_a_rest_holds_the_key(bench: Bench) -> None:
    policy = {"minimum_backoff": {"seconds": 10}}
    subscription = bench.subscribe(enable_message_ordering=True, retry_policy=policy)
    bench.publish("a1", "a2", key="a")
    bench.nack(subscription, bench.pull(subscription)["a1"])
    assert bench.pull(subscription) == {}
    bench.pass_time(10)
    assert list(bench.pull(subscription)) == ["a1", "a2"]


def test_without_ordering_a_key_holds_nothing(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a1", "a2", key="a")
    assert list(bench.pull(subscription, limit=1)) == ["a1"]
    assert list(bench.pull(subscription, limit=1)) == ["a2"]


def test_the_limit_of_bytes_holds_over_all_lanes(bench: Bench) -> None:
    subscription = bench.subscribe(enable_message_ordering=True)
    for key in "abc":
        bench.publish(key * 100, key=key)
    size = len(next(iter(subscription.unacked)).wire)
    for limit, count in ((2 * size, 2), (2 * size - 1, 1), (3 * size, 3), (1, 1)):
        batch = subscription.lease(bench.clock(), 100, limit)
        assert [entry.message.ordering_key for entry in batch] == list("abc")[:count]
        bench.nack(subscription, *(entry.ack_id for entry in reversed(batch)))
        everything = subscription.lease(bench.clock(), 100, 1 << 30)
        by_key = sorted(everything, key=lambda entry: entry.message.ordering_key)
        bench.nack(subscription, *(entry.ack_id for entry in by_key))


Step = tuple[str, int]
steps_of_a_client = st.lists(
    st.tuples(st.sampled_from(["pull", "ack", "nack", "expire"]), st.integers(0, 5)), max_size=40
)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), steps_of_a_client)
def test_whatever_happens_each_key_comes_in_order_and_none_is_stuck(
    keys: list[str], steps: list[Step]
) -> None:
    bench = Bench()
    subscription = bench.subscribe(enable_message_ordering=True)
    for number, key in enumerate(keys):
        bench.publish(f"{key}{number:02}", key=key)
    first_seen: dict[str, list[str]] = {key: [] for key in keys}
    drain: list[Step] = [("expire", 0), *[("pull", 99), ("ack", 0)] * len(keys)]
    held: list[str] = []
    for action, which in [*steps, *drain]:
        if action == "pull":
            for payload, ack_id in bench.pull(subscription, limit=which + 1).items():
                held.append(ack_id)
                if payload not in first_seen[payload[0]]:
                    first_seen[payload[0]].append(payload)
        elif action == "expire":
            bench.pass_time(10)
        elif held:
            answer = bench.ack if action == "ack" else bench.nack
            answer(subscription, held.pop(which % len(held)))
    for ack_id in held:
        bench.ack(subscription, ack_id)
    while left := bench.pull(subscription):
        bench.ack(subscription, *left.values())
    assert not subscription.unacked
    assert first_seen == {key: sorted(seen) for key, seen in first_seen.items()}
