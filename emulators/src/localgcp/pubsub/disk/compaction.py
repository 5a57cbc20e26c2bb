"""A snapshot of the state, written in small steps while the emulator goes on.

It stands for all up to a sealed segment. What happens meanwhile is in later segments and is
replayed on top: a message acked since then may be in the snapshot or not, one published since then
is not, and settings are those of the beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localgcp.pubsub.disk import records, recovery, segment
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.records import Kind, Resources
from localgcp.pubsub.disk.recovery import State
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.errors import StorageFailed

STEP_MESSAGES, STEP_BYTES = 1000, 1 << 20
"""What one step writes at the most, but one message at the least."""


class Compaction:
    """One snapshot in the making. Raises StorageFailed from any call; then call abandon()."""

    def __init__(self, journal: Journal, state: State, resources: Resources) -> None:
        self._journal = journal
        self.number = journal.seal()
        self._path: Path = journal.draft(self.number)
        # Ids grow, so those of later messages tell them apart.
        held = {
            name: list(subscription.unacked) for name, subscription in state.subscriptions.items()
        }
        self._bodies = _bodies(state, list(recovery.settings(state, resources)), held)
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


def _bodies(state: State, settings: list[bytes], held: dict[str, list[int]]) -> Iterator[bytes]:
    yield from settings
    for name, ids in held.items():
        batch: list[Message] = []
        size = 0
        for message_id in ids:
            subscription = state.subscriptions.get(name)
            entry = None if subscription is None else subscription.unacked.get(message_id)
            if entry is None:
                continue
            wire = len(entry.message.wire)
            if batch and (len(batch) == STEP_MESSAGES or size + wire > STEP_BYTES):
                yield records.encode(Kind.RESTORE, name, records.pack_messages(batch))
                batch, size = [], 0
            batch.append(entry.message)
            size += wire
        if batch:
            yield records.encode(Kind.RESTORE, name, records.pack_messages(batch))
