"""Newline-delimited JSON -> rows, with each bad line told by where it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.rows.autodetect import ROWS, detect
from localgcp.bigquery.rows.file import MAX_TOLD
from localgcp.bigquery.rows.reader import RowError, compile_reader


@dataclass(slots=True)
class Lines:
    """A file of JSON objects, one a line."""

    data: bytes
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    described: bool = False
    titled: bool = False

    def detect(self) -> tuple[Field, ...]:
        """The fields of the first rows. Raises Invalid, NotSupported."""
        return detect(islice(_objects(self.data), ROWS))

    def another(self, data: bytes) -> Lines:
        """The next file."""
        return Lines(data)

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """The good rows, until more than `max_bad` are bad."""
        reader = compile_reader(fields, ignore_unknown)
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


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
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
    """One line as a row. Raises RowError."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RowError("", f"Not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise RowError("", f"A line is a JSON object, not {type(row).__name__}.")
    return row
