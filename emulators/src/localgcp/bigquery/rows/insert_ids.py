"""The insertIds of the rows of late, kept with the rows, so that a redelivered row is known."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import orjson

from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.store import Store, Transaction

DEDUP_WINDOW_S = 300.0
DEDUP_IDS = 1_000_000

# One row an insert, its ids as one JSON text: a third of the cost of a list, let alone of rows.
_SETUP = """
CREATE SCHEMA IF NOT EXISTS data.emulator;
CREATE TABLE IF NOT EXISTS data.emulator.insert_ids (owner VARCHAR, seen DOUBLE, ids VARCHAR);
"""


class _Batch(NamedTuple):
    owner: str
    seen: float
    ids: list[str]


class InsertIds:
    """Five minutes of insertIds, at most a million, the oldest forgotten first.

    Google promises "at least one minute", best effort (Streaming insert, insertId). The minutes
    are those that the emulator runs (`uptime`, any clock of seconds that stands still while the
    machine sleeps). They go on at the next start where the newest id left them: Pub/Sub delivers
    again whatever was unacked when a stack died, however long nobody started it, and a real
    BigQuery would have been there meanwhile to take it in time. Not thread-safe: the writer's
    lock guards it.
    """

    def __init__(
        self, store: Store, uptime: Callable[[], float], window_s: float = DEDUP_WINDOW_S
    ) -> None:
        """Load what the store holds."""
        self._store, self._window = store, window_s
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._batches: deque[_Batch] = deque()
        self._count = 0
        with store.write() as tx:
            tx.db.execute(_SETUP)
            kept = tx.db.execute("FROM data.emulator.insert_ids ORDER BY seen").fetchall()
        for owner, seen, ids in kept:
            self._add(_Batch(owner, seen, orjson.loads(ids)))
        newest = self._batches[-1].seen if self._batches else 0.0
        self._uptime, self._before = uptime, newest - uptime()

    def fresh(self, table: Table, ids: Iterable[str | None]) -> list[bool]:
        """For each row's id, whether it is new; rows without one always are."""
        self._forget()
        known, here = self._known.get(_owner(table), ()), set[str]()
        verdicts = []
        for id_ in ids:
            verdicts.append(id_ is None or (id_ not in here and id_ not in known))
            if id_ is not None:
                here.add(id_)
        return verdicts

    def remember(self, tx: Transaction, table: Table, ids: list[str]) -> None:
        """Keep ids that were fresh, as part of the transaction that stores their rows."""
        if ids:
            batch = _Batch(_owner(table), self._now(), ids)
            row = [batch.owner, batch.seen, orjson.dumps(ids).decode()]
            tx.db.execute("INSERT INTO data.emulator.insert_ids VALUES (?, ?, ?)", row)
            tx.after.append(lambda: self._add(batch))

    def ages(self, id_: str) -> dict[str, float]:
        """By table: how many seconds ago a row of this id was stored, as far as is remembered."""
        now = self._now()
        return {
            batch.owner.rpartition("@")[0]: now - batch.seen
            for batch in list(self._batches)
            if id_ in batch.ids
        }

    def sweep(self) -> None:
        """Delete from disk what is forgotten: now and then, since each delete is a commit."""
        with self._store.write() as tx:
            self._forget()
            oldest = self._batches[0].seen if self._batches else self._now()
            tx.db.execute("DELETE FROM data.emulator.insert_ids WHERE seen < ?", [oldest])

    def _now(self) -> float:
        return self._before + self._uptime()

    def _add(self, batch: _Batch) -> None:
        self._batches.append(batch)
        self._known[batch.owner].update(batch.ids)
        self._count += len(batch.ids)

    def _forget(self) -> None:
        oldest = self._now() - self._window
        while self._batches and (self._batches[0].seen < oldest or self._count > DEDUP_IDS):
            batch = self._batches.popleft()
            self._count -= len(batch.ids)
            known = self._known[batch.owner]
            known.difference_update(batch.ids)
            if not known:
                del self._known[batch.owner]


def _owner(table: Table) -> str:
    """A table that was deleted and made again is another one."""
    return f"{table.name}@{table.created_ms}"
