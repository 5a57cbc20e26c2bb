"""Newline-delimited JSON -> rows, with each bad line told by where it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from localgcp.bigquery.rows.reader import RowError, RowReader

MAX_TOLD = 10  # of the bad lines, so many are described


@dataclass(slots=True)
class Lines:
    """One pass over a file: `read` and `bad` count as it goes."""

    data: bytes
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)

    def rows(self, reader: RowReader, max_bad: int) -> Iterator[dict[str, Any]]:
        """The good rows, until more than `max_bad` are bad."""
        for position, line in _split(self.data):
            self.read += 1
            try:
                yield reader.read(_parse(line))
            except RowError as error:
                self._tell(position, error.message)
                if self.bad > max_bad:
                    return

    def _tell(self, position: int, why: str) -> None:
        self.bad += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(
                "Error while reading data, error message: JSON parsing error in row starting at"
                f" position {position}: {why}"
            )


def objects(data: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects, whatever their fields."""
    for _, line in _split(data):
        with suppress(RowError):
            yield _parse(line)


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that holds something, with the offset of its first byte."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end]
        if line and not line.isspace():
            yield start, line
        start = end + 1


def _parse(line: bytes) -> dict[str, Any]:
    """Raises RowError."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RowError("", f"Not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise RowError("", f"A line is a JSON object, not {type(row).__name__}.")
    return row
