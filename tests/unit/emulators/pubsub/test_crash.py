"""Crash consistency: whatever a kill or a power cut leaves of a run recovers to what was answered.

In the manner of "All File Systems Are Not Created Equal" (ALICE, OSDI 2014): one run is recorded
with the state after each answer; then its file is cut at every byte, its unsynced sectors are kept
or lost in any mixture, and its bits are flipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localgcp.pubsub.disk.journal import Journal, JournalDamaged
from localgcp.pubsub.disk.keeper import Fsync, JournalKeeper
from localgcp.pubsub.disk.segment import HEADER_SIZE
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import SubscriptionConfig, TopicConfig
from localgcp.pubsub.wire import configs, layout
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, FakeClock

State = tuple[str, ...]
SECTOR = 512
# Each byte of the first is a run of its own; the second has a message wider than a sector.
SHORT, WIDE = (1, 40, 3), (1, 40, 530, 3)


@dataclass
class Recorded:
    """One run: its journal's bytes, and the state after each answer with the file's size then."""

    data: bytes
    states: list[tuple[int, State]]
    synced: list[tuple[int, State]]
    """How much each sync put on the disk, and the state of then: what may never be lost."""


def state(broker: Broker) -> State:
    held = [
        f"{name}:{message.id}"
        for name, subscription in sorted(broker.subscriptions.items())
        for message in subscription.unacked
    ]
    return (*sorted(broker.topics), *sorted(broker.subscriptions), *held)


def opened(folder: Path, promises: bool) -> tuple[Journal, Broker]:
    journal = Journal(folder, promises)
    keeper = JournalKeeper(journal, configs, layout, Fsync.ALWAYS if promises else Fsync.NEVER)
    broker = Broker(FakeClock(), layout, keeper)
    broker.resume(keeper.recover(broker))
    return journal, broker


def steps(broker: Broker, sizes: Sequence[int]) -> Iterator[None]:
    """Settings, messages of many sizes, acks, a deletion."""
    broker.create_topic(TopicConfig(name=TOPIC))
    yield
    broker.create_subscription(SubscriptionConfig(name=SUBSCRIPTION, topic=TOPIC))
    yield
    subscription = broker.subscription(SUBSCRIPTION)
    for size in sizes:
        broker.publish(TOPIC, [layout.lay_out(b"x" * size, {}, "")] * 2)
        yield
        leased = subscription.lease(broker.clock(), 2, 1 << 20)
        broker.acknowledge(SUBSCRIPTION, [leased[0].ack_id])
        yield
    other = SUBSCRIPTION + "-other"
    broker.create_subscription(SubscriptionConfig(name=other, topic=TOPIC))
    yield
    broker.publish(TOPIC, [layout.lay_out(b"last", {}, "")])
    yield
    broker.delete_subscription(other)
    yield


def record(folder: Path, promises: bool) -> Recorded:
    journal, broker = opened(folder, promises)
    path = folder / "0000001.log"
    states: list[tuple[int, State]] = [(HEADER_SIZE, state(broker))]
    synced = [(HEADER_SIZE, state(broker))]
    for place, _ in enumerate(steps(broker, WIDE if promises else SHORT)):
        states.append((path.stat().st_size, state(broker)))
        if promises and place % 3 == 2:
            sync = journal.sync()
            sync.run()
            journal.noted(sync)
            synced.append((sync.until, state(broker)))
    journal.close()
    return Recorded(path.read_bytes(), states, synced)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("killed") / "journal", promises=False)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("cut") / "journal", promises=True)


def recovered(folder: Path, data: bytes, promises: bool = False) -> State:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / "0000001.log").write_bytes(data)
    journal, broker = opened(folder, promises)
    try:
        return state(broker)
    finally:
        journal.close()


def test_every_prefix_recovers_to_the_last_whole_answer(killed: Recorded, tmp_path: Path) -> None:
    for length in range(HEADER_SIZE, len(killed.data) + 1):
        expected = [known for size, known in killed.states if size <= length][-1]
        assert recovered(tmp_path / "journal", killed.data[:length]) == expected, length


def test_no_flipped_bit_of_a_kept_answer_passes(killed: Recorded, tmp_path: Path) -> None:
    final = killed.states[-1][1]
    last_record = killed.states[-2][0]
    for at in range(HEADER_SIZE, last_record, 2):
        data = bytearray(killed.data)
        data[at] ^= 1 << at % 8
        with pytest.raises(JournalDamaged):
            recovered(tmp_path / "journal", bytes(data))
    assert recovered(tmp_path / "journal", killed.data) == final


@given(choice=st.data())
def test_any_mixture_of_unsynced_sectors_recovers_to_what_was_synced_or_later(
    choice: st.DataObject, cut: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = choice.draw(st.integers(0, len(cut.synced) - 1))
    safe, _ = cut.synced[place]
    # What was written until the power went: more than this sync covers, not more than the next.
    after = [until for until, _ in cut.synced if until > safe]
    ends = [size for size, _ in cut.states if safe < size <= min(after, default=len(cut.data))]
    data = bytearray(cut.data[: choice.draw(st.sampled_from(ends))])
    first = safe - safe % SECTOR
    for start in range(first, len(data), SECTOR):
        lost = choice.draw(st.sampled_from(["kept", "zeros", "torn"]))
        begin = max(start, safe) if lost != "torn" else max(start + SECTOR // 2, safe)
        if lost != "kept":
            end = min(start + SECTOR, len(data))
            data[begin:end] = bytes(max(end - begin, 0))
    folder = tmp_path_factory.mktemp("cut") / "journal"
    found = recovered(folder, bytes(data), promises=True)
    promised = cut.synced[place][1]
    assert found == promised or found in [known for size, known in cut.states if size >= safe]


def test_no_flipped_bit_of_what_was_synced_passes(cut: Recorded, tmp_path: Path) -> None:
    promised = cut.synced[-2][0]
    for at in range(HEADER_SIZE, promised, 3):
        data = bytearray(cut.data)
        data[at] ^= 1 << at % 8
        try:
            found = recovered(tmp_path / "journal", bytes(data), promises=True)
        except JournalDamaged:
            continue
        pytest.fail(f"a flip at byte {at} passed: {len(found)} in the state")
