"""What must be remembered of windows that have ended: a pane count, and that they ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from apache_beam.utils.timestamp import Duration, Timestamp

Record = tuple[tuple[str, tuple[Any, ...]], ...]


class Archive:
    """Trigger state of ended windows of one step, by (encoded key, window).

    Kept until the allowed lateness ends, as Beam's model asks, so that a late pane goes on
    counting. Past `limit` windows the least recent is given up: a late element of such a window
    still fires a pane, only numbered from 0 again.
    """

    def __init__(self, allowed_lateness: Duration, limit: int = 100_000) -> None:
        self._lateness = allowed_lateness
        self._limit = limit
        self._records: OrderedDict[tuple[bytes, Any], Record] = OrderedDict()
        self._interned: dict[Record, Record] = {}
        self.dropped = 0
        """Elements dropped by this step because their window had expired or finished."""

    def __len__(self) -> int:
        return len(self._records)

    def find(self, key: bytes, window: Any) -> Record | None:
        """The record of a window, which stays until `restored` is called."""
        return self._records.get((key, window))

    def restored(self, keys: Iterable[tuple[bytes, Any]]) -> None:
        """These windows are live again."""
        for key in keys:
            self._records.pop(key, None)

    def add(self, records: Iterable[tuple[bytes, Any, Record]]) -> None:
        """Set windows aside."""
        for key, window, record in records:
            if len(self._interned) < 1000:
                self._interned.setdefault(record, record)
            self._records[key, window] = self._interned.get(record, record)
        while len(self._records) > self._limit:
            self._records.popitem(last=False)

    def expire(self, watermark: Timestamp) -> None:
        """Drop the oldest entries whose allowed lateness has ended."""
        while self._records:
            _, window = next(iter(self._records))
            if window.end + self._lateness >= watermark:
                return
            self._records.popitem(last=False)
