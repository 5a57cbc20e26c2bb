"""What a job says of its progress: one JSON line a bundle, read by the process that measures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


def say(path: Path, count: int, sent: Iterable[float]) -> None:
    """`count` messages are done now; `sent`: when those were published that tell it."""
    now = time.monotonic()
    line = json.dumps({"at": now, "count": count, "waits": [now - each for each in sent]})
    with path.open("a") as file:
        file.write(line + "\n")


@dataclass
class Tally:
    """Follows the lines of one job."""

    path: Path
    bundles: list[tuple[float, int]] = field(default_factory=list)
    """When each ended, in seconds of the monotonic clock, and its number of messages."""
    waits: list[float] = field(default_factory=list)
    """Seconds from the publishing of a message to the end of its bundle."""
    _read: int = 0

    def total(self) -> int:
        """Read on; gives the number of messages so far."""
        if self.path.exists():
            with self.path.open() as file:
                file.seek(self._read)
                while (line := file.readline()).endswith("\n"):
                    self._read = file.tell()
                    self._take(json.loads(line))
        return sum(count for _, count in self.bundles)

    def _take(self, said: dict[str, float | list[float]]) -> None:
        at, count, waits = said["at"], said["count"], said["waits"]
        assert isinstance(at, float) and isinstance(count, int) and isinstance(waits, list)
        self.bundles.append((at, count))
        self.waits += waits

    def rate(self) -> float:
        """Messages a second from the end of the first bundle on: the start is not measured.

        Raises ValueError for fewer than two bundles.
        """
        if len(self.bundles) < 2:
            raise ValueError(f"a rate of {len(self.bundles)} bundles")
        (began, first), (ended, _) = self.bundles[0], self.bundles[-1]
        return (sum(count for _, count in self.bundles) - first) / (ended - began)
