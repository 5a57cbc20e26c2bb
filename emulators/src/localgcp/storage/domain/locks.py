"""Who may change an object now: many that store beside each other, or one that must be alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

Key = tuple[str, str]


class _Lock:
    def __init__(self) -> None:
        self.users = self.shared = 0
        self.alone = False
        self.changed = asyncio.Condition()


class NameLocks:
    """A lock for each (bucket, name) in use.

    The binary checks the conditions of an upload itself, at its end, so uploads share: the last
    to end wins, and a slow one holds up nobody. What the front must check and then do (delete,
    copy, compose under conditions) is alone meanwhile.
    """

    def __init__(self) -> None:
        self._locks: dict[Key, _Lock] = {}

    @asynccontextmanager
    async def shared(self, key: Key) -> AsyncIterator[None]:
        """Beside others that share, after whoever is alone."""
        lock = self._enter(key)
        try:
            async with lock.changed:
                while lock.alone:
                    await lock.changed.wait()
                lock.shared += 1
            try:
                yield
            finally:
                async with lock.changed:
                    lock.shared -= 1
                    lock.changed.notify_all()
        finally:
            self._leave(key, lock)

    @asynccontextmanager
    async def alone(self, *keys: Key) -> AsyncIterator[None]:
        """After all others on these names have ended."""
        async with AsyncExitStack() as held:
            for key in sorted(set(keys)):  # one order for all, so that no two wait for each other
                await held.enter_async_context(self._alone(key))
            yield

    @asynccontextmanager
    async def _alone(self, key: Key) -> AsyncIterator[None]:
        lock = self._enter(key)
        try:
            async with lock.changed:
                while lock.alone or lock.shared:
                    await lock.changed.wait()
                lock.alone = True
            try:
                yield
            finally:
                async with lock.changed:
                    lock.alone = False
                    lock.changed.notify_all()
        finally:
            self._leave(key, lock)

    def _enter(self, key: Key) -> _Lock:
        lock = self._locks.setdefault(key, _Lock())
        lock.users += 1
        return lock

    def _leave(self, key: Key, lock: _Lock) -> None:
        lock.users -= 1
        if not lock.users:
            del self._locks[key]
