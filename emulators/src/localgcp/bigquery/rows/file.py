"""A file to load, whatever its format: the face that load jobs read it by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, Self

from localgcp.bigquery.catalog.schema import Field

MAX_TOLD = 10  # of the bad rows, so many are described


class File(Protocol):
    """One pass over a file: `read`, `bad` and `told` grow as the rows come."""

    data: bytes
    read: int
    bad: int
    told: list[str]
    described: bool
    """Whether the format itself has a schema, so that none need be asked for."""
    titled: bool
    """Whether a first line names the columns, which then stand in its order."""

    def detect(self) -> tuple[Field, ...]:
        """The columns that the file has. Raises Invalid, NotSupported."""

    def another(self, data: bytes) -> Self:
        """The next file of the same load, with what was detected of this one."""

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """The good rows, with a value for each field, until more than `max_bad` are bad.

        Raises Invalid, NotSupported for a file that can't be read as such rows at all.
        """
