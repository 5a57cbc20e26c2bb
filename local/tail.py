"""`python -m local logs`: the last lines of each part's log, and what comes after them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.2

Line = tuple[str, str]
"""A part's name, and what it wrote."""


@dataclass
class _Log:
    part: str
    file: Path
    read_to: int = 0
    rest: bytes = b""
    """A line that is not ended yet."""

    def more(self) -> Iterator[Line]:
        """What was written since; from the start again if the file was made anew."""
        try:
            size = self.file.stat().st_size
        except FileNotFoundError:
            size = 0
        if size < self.read_to:
            self.read_to, self.rest = 0, b""
        if size == self.read_to:
            return
        with self.file.open("rb") as source:
            source.seek(self.read_to)
            written = self.rest + source.read(size - self.read_to)
        self.read_to = size
        *lines, self.rest = written.split(b"\n")
        for line in lines:
            yield self.part, line.decode(errors="replace")


def ending(file: Path, most: int) -> tuple[str, bool]:
    """The last `most` bytes of a file as text, and whether more stands before them."""
    try:
        with file.open("rb") as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(max(0, size - most))
            return source.read().decode(errors="replace"), size > most
    except OSError:
        return "", False


def last(logs: Path, parts: Sequence[str], most: int) -> Iterator[Line]:
    """The last `most` lines of each part, one part after the other."""
    for each in _logs(logs, parts):
        yield from deque(each.more(), maxlen=most)


def follow(
    logs: Path,
    parts: Sequence[str],
    most: int,
    pause: Callable[[], None] = lambda: time.sleep(LOOK_SECONDS),
) -> Iterator[Line]:
    """The same, then every line as it is written, until interrupted."""
    followed = list(_logs(logs, parts))
    for each in followed:
        yield from deque(each.more(), maxlen=most)
    while True:
        pause()
        for each in followed:
            yield from each.more()


def _logs(logs: Path, parts: Sequence[str]) -> Iterator[_Log]:
    return (_Log(part, logs / f"{part}.log") for part in parts)
