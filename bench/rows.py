"""A figure and what it is measured against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Whose figure it is."""

    OURS = "ours"
    STOCK = "stock"
    """What one would use otherwise."""
    LIMIT = "limit"
    """Plain Python, or the bare library, with nothing around the same work."""


@dataclass(frozen=True)
class Unit:
    """What a figure counts."""

    name: str
    more_is_better: bool | None = None
    """None: a count, of which no ratio says anything."""


PER_SECOND = Unit("events/s", more_is_better=True)
MESSAGES = Unit("msg/s", more_is_better=True)
ROWS = Unit("rows/s", more_is_better=True)
MILLISECONDS = Unit("ms", more_is_better=False)
EVENTS = Unit("events")


@dataclass(frozen=True)
class Row:
    """One figure of one part."""

    measure: str
    """What was measured; rows of the same measure are compared."""
    part: str
    kind: Kind
    figure: float | None
    """None: it was skipped, and the remark says why."""
    unit: Unit
    remark: str = ""


def skipped(measure: str, part: str, kind: Kind, unit: Unit, why: str) -> Row:
    """The row of a figure that can't be had here."""
    return Row(measure, part, kind, None, unit, f"skipped: {why}")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all are not above (nearest rank).

    Raises ValueError for no values, or a percent outside of 0..100.
    """
    if not values:
        raise ValueError("a percentile of no values")
    if not 0 <= percent <= 100:
        raise ValueError(f"percent should be within 0..100; got {percent:g}")
    rank = max(1, math.ceil(len(values) * percent / 100))
    return sorted(values)[rank - 1]


def latencies(measure: str, part: str, kind: Kind, seconds: Sequence[float]) -> list[Row]:
    """Rows for the median and the 99th percentile, in milliseconds."""
    remark = f"of {len(seconds):,}"
    return [
        Row(f"{measure}, p{p}", part, kind, 1000 * percentile(seconds, p), MILLISECONDS, remark)
        for p in (50, 99)
    ]


def times_stock(row: Row, rows: Iterable[Row]) -> float | None:
    """How many times better than the stock part of the same measure; below 1 is worse.

    None for the stock part itself, for counts, and where either figure is absent or zero.
    """
    stock = next((r for r in rows if r.measure == row.measure and r.kind is Kind.STOCK), None)
    if stock is None or stock == row or row.unit.more_is_better is None:
        return None
    if not stock.figure or not row.figure:
        return None
    ratio = row.figure / stock.figure
    return ratio if row.unit.more_is_better else 1 / ratio
