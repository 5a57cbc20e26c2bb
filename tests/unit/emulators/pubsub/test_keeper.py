"""What a promise costs: syncs that many answers share, and snapshots written in bounded records."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path

import pytest

from localgcp.pubsub.disk import compaction, keeper
from localgcp.pubsub.disk.compaction import STEP_BYTES, STEP_MESSAGES
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.keeper import Fsync, JournalKeeper
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.errors import StorageFailed
from localgcp.pubsub.wire import configs, layout
from tests.unit.emulators.pubsub.runs import Runs


class Promising(Runs):
    """A run that promises syncs, and counts them."""

    def __init__(self, directory: Path, fsync: Fsync, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fsync = fsync
        self.failing = False
        self.syncs = 0
        sync = os.fdatasync

        def counted(file: int) -> None:
            self.syncs += 1
            if self.failing:
                raise OSError(5, "Input/output error")
            sync(file)

        super().__init__(directory)
        self.begin()
        monkeypatch.setattr(os, "fdatasync", counted)

    def start(self) -> None:
        self.journal = Journal(self.path, promises=self.fsync is not Fsync.NEVER)
        self.keeper = JournalKeeper(self.journal, configs, layout, self.fsync)
        self.broker = Broker(self.clock, layout, self.keeper)
        self.broker.resume(self.keeper.recover(self.broker))

    async def answered(self, payload: bytes) -> None:
        """One publish, up to its answer."""
        self.publish(payload)
        await self.broker.durable()

    def unsynced(self) -> int:
        return self.journal.appended - self.journal.synced


def test_answers_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Promising(tmp_path, Fsync.ALWAYS, monkeypatch)

    async def publish() -> None:
        await asyncio.gather(*(runs.answered(b"%d" % number) for number in range(100)))

    asyncio.run(publish())
    assert runs.unsynced() == 0
    assert 1 <= runs.syncs <= 2


def test_who_no_longer_waits_takes_no_sync_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Promising(tmp_path, Fsync.ALWAYS, monkeypatch)

    async def publish() -> None:
        gone = asyncio.create_task(runs.answered(b"a"))
        stays = asyncio.create_task(runs.answered(b"b"))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(publish())
    assert runs.unsynced() == 0


def test_a_sync_that_fails_fails_all_that_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Promising(tmp_path, Fsync.ALWAYS, monkeypatch)
    runs.failing = True

    async def publish() -> list[BaseException | None]:
        answers = (runs.answered(b"%d" % number) for number in range(10))
        return await asyncio.gather(*answers, return_exceptions=True)

    assert [type(each) for each in asyncio.run(publish())] == [StorageFailed] * 10


def test_without_a_promise_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for fsync in (Fsync.NEVER, Fsync.INTERVAL):
        runs = Promising(tmp_path / fsync.value, fsync, monkeypatch)
        asyncio.run(runs.answered(b"a"))
        assert runs.syncs == 0


def test_an_interval_syncs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Promising(tmp_path, Fsync.INTERVAL, monkeypatch)
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(keeper, "SYNC_EVERY_S", 0.001)

    async def publish() -> None:
        tending = asyncio.create_task(runs.keeper.tend())
        await runs.answered(b"a")
        while runs.unsynced():
            await asyncio.sleep(0.001)
        tending.cancel()

    asyncio.run(asyncio.wait_for(publish(), 10))
    assert runs.syncs == 1


def test_a_snapshots_records_stay_small_whatever_is_held(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    for size, count in ((1, STEP_MESSAGES), (2, STEP_MESSAGES), (STEP_BYTES // 3, 7)):
        runs.publish(*[b"x" * size] * count)
    runs.publish(b"x" * (STEP_BYTES + 1), b"last")
    held = runs.held()
    making = compaction.Compaction(runs.journal, runs.broker, configs)
    draft = runs.journal.draft(making.number)
    sizes = [draft.stat().st_size]
    while making.step():
        sizes.append(draft.stat().st_size)
    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) < 2 * STEP_BYTES
    making.sync()
    making.adopt()
    runs.again()
    assert runs.held() == held
