"""Snapshots: what one is made of, what becomes of a damaged one, and of one that is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from localgcp.pubsub.disk import compaction as compaction_module
from localgcp.pubsub.disk.journal import Journal, JournalDamaged
from localgcp.pubsub.disk.records import Kind
from localgcp.pubsub.disk.segment import HEADER_SIZE
from localgcp.pubsub.domain.config import SubscriptionConfig
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC
from tests.unit.emulators.pubsub.runs import Runs

PAYLOADS = [b"one", b"two", b"three"]


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A journal that is one snapshot, closed."""
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(*PAYLOADS)
    runs.keeper.compact()
    runs.journal.close()
    [path] = runs.path.glob("*.snapshot")
    return path


def records(folder: Path, salvage: bool = False) -> list[bytes]:
    """All that reads back."""
    journal = Journal(folder, salvage=salvage)
    try:
        return list(journal.records())
    finally:
        journal.close()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_damaged_record_of_a_snapshot_is_told_with_its_place(snapshot: Path) -> None:
    whole = records(snapshot.parent)
    flip(snapshot, HEADER_SIZE + 20)
    before = kept(snapshot.parent)
    with pytest.raises(JournalDamaged, match=rf"{snapshot.name} is damaged at byte {HEADER_SIZE}"):
        records(snapshot.parent)
    assert kept(snapshot.parent) == before, "nothing was changed"
    saved = records(snapshot.parent, salvage=True)
    assert saved == whole[1:]
    [aside] = snapshot.parent.glob("*.torn")
    assert len(aside.read_bytes()) > len(whole[0])


def test_a_snapshot_cut_short_is_told_with_its_place(snapshot: Path) -> None:
    whole = records(snapshot.parent)
    data = snapshot.read_bytes()
    snapshot.write_bytes(data[:-1])
    with pytest.raises(JournalDamaged, match=rf"{snapshot.name} is damaged at byte \d\d+"):
        records(snapshot.parent)
    saved = records(snapshot.parent, salvage=True)
    assert saved == whole[:-1]


def test_a_snapshot_without_its_header_is_told(snapshot: Path) -> None:
    whole = records(snapshot.parent)
    flip(snapshot, HEADER_SIZE - 1)
    with pytest.raises(JournalDamaged, match=rf"{snapshot.name} is damaged at byte 0:"):
        records(snapshot.parent)
    saved = records(snapshot.parent, salvage=True)
    assert saved == whole


def test_damage_says_what_can_be_done(snapshot: Path) -> None:
    flip(snapshot, HEADER_SIZE + 20)
    with pytest.raises(JournalDamaged) as damaged:
        records(snapshot.parent)
    told = str(damaged.value)
    assert "a record there does not read back. Nothing was changed. Start once with" in told
    assert "--salvage to set the file aside and go on with every record that reads back" in told
    assert f"or move {snapshot.parent} away to start empty" in told


def test_a_snapshot_that_is_given_up_leaves_no_half(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(*PAYLOADS)
    making = runs.keeper._begin()
    making.step()
    assert list(runs.path.glob("*.draft"))
    making.abandon()
    assert not list(runs.path.glob("*.draft"))
    making.abandon()  # as after an adopt() that failed, when neither is there
    runs.again()
    assert runs.held() == PAYLOADS


def test_a_journal_counts_what_is_behind_the_snapshot_alone(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(*PAYLOADS)
    making = runs.keeper._begin()
    while making.step():
        pass
    runs.publish(b"four")
    making.sync()
    making.adopt()
    [segment] = runs.path.glob("*.log")
    assert runs.journal.size == segment.stat().st_size > HEADER_SIZE
    runs.keeper.compact()
    assert runs.journal.size == sum(path.stat().st_size for path in runs.path.glob("*.log"))
    runs.again()
    assert runs.held() == [*PAYLOADS, b"four"]


@pytest.mark.parametrize(
    ("messages", "bytes_", "steps"),
    [(2, 1 << 20, [2, 2, 1]), (1000, 200, [2, 2, 1]), (1000, 1, [1] * 5), (1000, 1 << 20, [5])],
)
def test_a_step_writes_so_many_messages_or_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, messages: int, bytes_: int, steps: list[int]
) -> None:
    monkeypatch.setattr(compaction_module, "STEP_MESSAGES", messages)
    monkeypatch.setattr(compaction_module, "STEP_BYTES", bytes_)
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(*[b"x" * 60] * 5)
    runs.keeper.compact()
    runs.journal.close()
    found = records(runs.path)
    restored = [record for record in found if record[0] == Kind.RESTORE]
    assert [record.count(b"x" * 60) for record in restored] == steps


def test_what_topics_and_subscriptions_retain_is_all_in_it(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    keeping = f"{SUBSCRIPTION}-keeping"
    runs.broker.create_subscription(
        SubscriptionConfig(name=keeping, topic=TOPIC, retain_acked_messages=True)
    )
    other = f"{SUBSCRIPTION}-other"
    runs.broker.create_subscription(
        SubscriptionConfig(name=other, topic=TOPIC, retain_acked_messages=True)
    )
    runs.publish(*PAYLOADS)
    for name in (keeping, other):
        subscription = runs.broker.subscription(name)
        leased = subscription.lease(runs.clock(), 100, 1 << 30)
        runs.broker.acknowledge(name, [entry.ack_id for entry in leased])
    broker = runs.again(compact=True)
    for name in (keeping, other):
        assert len(broker.subscription(name).retained) == len(PAYLOADS)
    assert runs.held() == PAYLOADS


def test_a_journal_that_was_only_read_yet_is_replaced_whole(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"one")
    runs.again()
    runs.keeper.compact()  # nothing was appended since the start
    runs.publish(b"two")
    runs.again()
    assert runs.held() == [b"one", b"two"]
    assert runs.journal.seal() == runs.journal.seal() - 1, "each ends a segment"


def test_a_snapshot_is_its_owners_alone(snapshot: Path) -> None:
    assert snapshot.stat().st_mode & 0o777 == 0o600


def test_an_empty_journal_has_nothing_to_seal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert list(journal.records()) == []
    assert journal.seal() == 0
    assert not list(journal.folder.glob("*.log"))
    journal.append(b"one")
    journal.append(b"two")
    assert journal.appended == 2
    assert journal.seal() == 1
    journal.close()


def test_what_is_set_aside_is_told_in_the_log(
    snapshot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flip(snapshot, HEADER_SIZE + 20)
    records(snapshot.parent, salvage=True)
    [aside] = snapshot.parent.glob("*.torn")
    told = f"{snapshot}: {aside.stat().st_size} bytes from byte {HEADER_SIZE} do not read back"
    assert caplog.messages == [f"{told}; kept as {aside.name}"]
