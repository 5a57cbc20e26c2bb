"""One table says for each function how it is done; docs/sql-functions.md is rendered from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

from localgcp.bigquery.googlesql.functions import moments, rows, values


class Way(StrEnum):
    """How a function is done over a table; without one all but the refused are the reference's."""

    NATIVE = "native"  # DuckDB has it, and means the same
    EXPRESSION = "expression"  # written out in DuckDB's terms, in some forms; else the reference's
    REFERENCE = "reference"  # evaluated by Google's own evaluator, up to its bound
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One function.

    In its example `x` is an INT64, `s` a STRING, `sketch` one of HLL_COUNT, `ints` and `floats`
    those of KLL_QUANTILES.
    """

    family: str
    name: str
    way: Way
    example: str

    @property
    def of_rows(self) -> bool:
        """Whether the example wants rows to stand over."""
        return re.search(r"\b(x|s|sketch|ints|floats|OVER)\b", self.example) is not None


def _read(text: str) -> list[Entry]:
    """A line a function: the way and the example, which begins with the name; `#` is a family."""
    found, family = [], ""
    for line in text.strip().splitlines():
        way, _, example = line.partition(" ")
        if way == "#":
            family = example
        if way in ("#", ""):
            continue
        match = re.match(r"[A-Z0-9_.]+", example.strip())
        assert match is not None, line
        found.append(Entry(family, match[0], Way(way), example.strip()))
    return found


TABLE = tuple(_read(values.TEXT + moments.TEXT + rows.TEXT))

_HEAD = """# Functions of SQL
How the BigQuery emulator does each function; what it does otherwise is in
[coverage.md](coverage.md). The page is rendered from `localgcp/bigquery/googlesql/functions/`, and
the tests run each example.

- *native*: DuckDB has it and means the same: over tables of any size.
- *expression*: written out in DuckDB's terms where that is exact, so over tables of any size; other
  forms go to the reference.
- *reference*: Google's own evaluator has it: over tables of up to 200,000 rows or 64 MiB together.
- *refused*: `not supported by the emulator`, with its name.

A statement that reads no table is evaluated by the reference, whatever the way.
"""


def rendered() -> str:
    """The page."""
    parts = [_HEAD]
    for family, functions in groupby(TABLE, attrgetter("family")):
        parts.append(f"\n## {family}\n| function | how | example |\n|---|---|---|\n")
        parts += [
            f"| {each.name} | {each.way} | `{each.example.replace('|', chr(92) + '|')}` |\n"
            for each in functions
        ]
    return "".join(parts)
