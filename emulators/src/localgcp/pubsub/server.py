"""The emulator on the wire: one broker, its gRPC and REST sides, and the port they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from localgcp import room
from localgcp.clock import Clock
from localgcp.controls import Controls
from localgcp.faults import Faults
from localgcp.guard import Allowed, Guard
from localgcp.http_server import run_with_grpc
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.keeper import Fsync, JournalKeeper
from localgcp.pubsub.disk.segment import NotAJournal
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.push_targets import BIGQUERY, STORAGE, PushTargets
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import configs, grpc_server, layout
from localgcp.pubsub.wire.effects import EFFECTS, Effects
from localgcp.pubsub.wire.exports import Destinations, Exports
from localgcp.pubsub.wire.push import Pushers
from localgcp.pubsub.wire.push_tokens import PushTokens
from localgcp.pubsub.wire.rest import RestApi

JOURNAL_FOLDER = "journal"
JOURNAL_OF_0_1 = "pubsub.journal"
NO_GRACE = 0
"""A pull by REST waits for messages as one by gRPC does: neither is waited for at the end."""


@dataclass(frozen=True)
class Kept:
    """Where and how the state is kept."""

    data_dir: Path
    fsync: Fsync = Fsync.NEVER
    salvage: bool = False
    """Go on with what reads back of a damaged journal."""


async def serve(
    host: str,
    port: int,
    kept: Kept | None,
    allowed: Allowed,
    destinations: Destinations,
    listening: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Serve on host:port until `stopping` is set; call `listening` once connections are taken.

    Raises JournalInUse, JournalDamaged, NotAJournal, StorageFailed, OSError.
    """
    written = [name for name in (BIGQUERY, STORAGE) if getattr(destinations, name)]
    targets = PushTargets(allowed.push, written)
    clock, effects = Clock(), Effects(Faults(EFFECTS))
    async with opened(kept, targets, clock) as broker:
        tokens = PushTokens(clock)
        alarm, pushers = Alarm(broker), Pushers(broker, tokens)
        exports = Exports(broker, destinations)
        broker.on_due, broker.on_change = alarm.set, each(pushers.sync, exports.sync)
        broker.tick()
        clock.on_turn = ticked(broker, exports)
        rest = RestApi(
            broker, lambda: room.trouble(kept.data_dir if kept else None), tokens, effects
        )
        guarded = Guard(Controls(rest, clock, effects.faults), allowed)

        def ready() -> None:
            for subscription in broker.subscriptions.values():
                broker.on_change(subscription)
            listening()

        grpc_side = grpc_server.build(broker, effects)
        await run_with_grpc(guarded, grpc_side, host, port, ready, stopping, NO_GRACE)
        await pushers.close()
        await exports.close()
        alarm.cancel()


def each(*told: Callable[[Subscription], None]) -> Callable[[Subscription], None]:
    """Tells all of them."""

    def tell(subscription: Subscription) -> None:
        for one in told:
            one(subscription)

    return tell


def ticked(broker: Broker, exports: Exports) -> Callable[[], Awaitable[None]]:
    """What is due by a clock that was turned is done at once."""

    async def tick() -> None:
        broker.tick()
        exports.turn()

    return tick


@asynccontextmanager
async def opened(kept: Kept | None, targets: PushTargets, clock: Clock) -> AsyncIterator[Broker]:
    """The broker, with the state of the run before and its keeper at work; see serve()."""
    if kept is None:
        yield Broker(clock, layout, targets=targets)
        return
    if (old := kept.data_dir / JOURNAL_OF_0_1).exists():
        raise NotAJournal(old, "version 0.1 wrote it; drain it with that version")
    folder = kept.data_dir / JOURNAL_FOLDER
    with closing(Journal(folder, kept.fsync is not Fsync.NEVER, kept.salvage)) as journal:
        keeper = JournalKeeper(journal, configs, layout, kept.fsync)
        broker = Broker(clock, layout, keeper, targets)
        broker.resume(keeper.recover(broker))
        tending = asyncio.create_task(keeper.tend())
        try:
            yield broker
        finally:
            tending.cancel()
            with suppress(asyncio.CancelledError):
                await tending
            await keeper.settle()


class Alarm:
    """Calls the broker's tick() at the earliest time asked for."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._due = float("inf")
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: float) -> None:
        """Ring at `due`, in seconds since the epoch, unless it rings before."""
        if due >= self._due:
            return
        self.cancel()
        self._due = due
        # A little late, so that what is due then is found due.
        wait = max(due - self._broker.clock(), 0.0) + 0.001
        self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def cancel(self) -> None:
        """Do not ring."""
        self._due = float("inf")
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self._due, self._timer = float("inf"), None
        self._broker.tick()
