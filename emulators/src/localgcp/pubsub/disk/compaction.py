"""A snapshot of the state, written in small steps while the emulator goes on.

It stands for all up to a sealed segment. What happens meanwhile is in later segments and is
replayed on top: a message acked since then is here, one published since then is not, and settings
are those of the beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localgcp.pubsub.disk import lease_records, records, recovery, segment
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.records import Kind, Resources
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.registry import Registry
from localgcp.pubsub.errors import StorageFailed

STEP_MESSAGES, STEP_BYTES = 1000, 1 << 20
"""What one step writes at the most, but one message at the least."""


class Compaction:
    """One snapshot in the making. Raises StorageFailed from any call; then call abandon()."""

    def __init__(self, journal: Journal, state: Registry, resources: Resources) -> None:
        self._journal = journal
        self.number = journal.seal()
        self._path: Path = journal.draft(self.number)
        # The messages themselves, though some are acked meanwhile: a snapshot that is made of
        # them meanwhile is replayed on top.
        self._bodies = _bodies(
            list(recovery.settings(state, resources)),
            _held(state),
            list(lease_records.snapshot(state)),
        )
        self._at = segment.HEADER_SIZE
        header = segment.Header(self.number, 0, promises=True).encode()
        with self._guarded():
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            segment.write_all(self._file, header)

    def step(self) -> bool:
        """Write a little more; False once nothing is left to write."""
        body = next(self._bodies, None)
        if body is None:
            return False
        data = segment.frame(self._at, body)
        with self._guarded():
            segment.write_all(self._file, data)
        self._at += len(data)
        return True

    def sync(self) -> None:
        """Put it on the disk; takes a while, and may run in any thread."""
        with self._guarded():
            os.fsync(self._file)

    def adopt(self) -> None:
        """Let it stand in place of the segments."""
        os.close(self._file)
        with self._guarded():
            self._journal.adopt(self.number)

    def abandon(self) -> None:
        """Leave the segments as they are, and no half behind."""
        with suppress(OSError):  # adopt() may have closed it
            os.close(self._file)
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageFailed(str(self._path), str(error)) from error


Held = list[tuple[Kind, str, list[Message]]]


def _held(state: Registry) -> Held:
    """Who holds which messages: those that are retained first, since others share them."""
    held: Held = []
    for holders in (state.topics, state.subscriptions, state.snapshots.by_name):
        held += [(Kind.RETAIN, name, list(holder.retained)) for name, holder in holders.items()]
    for name, subscription in state.subscriptions.items():
        held.append((Kind.RESTORE, name, list(subscription.unacked)))
    return held


def _bodies(settings: list[bytes], held: Held, leases: list[bytes]) -> Iterator[bytes]:
    yield from settings
    for kind, name, messages in held:
        batch: list[Message] = []
        size = 0
        for message in messages:
            wire = len(message.wire)
            if batch and (len(batch) == STEP_MESSAGES or size + wire > STEP_BYTES):
                yield records.encode(kind, name, records.pack_messages(batch))
                batch, size = [], 0
            batch.append(message)
            size += wire
        if batch:
            yield records.encode(kind, name, records.pack_messages(batch))
    yield from leases
