"""The statistics: percentiles and what is compared with what."""

from __future__ import annotations

import random

import pytest

from bench.rows import (
    EVENTS,
    MILLISECONDS,
    PER_SECOND,
    Kind,
    Row,
    Unit,
    latencies,
    percentile,
    skipped,
    times_stock,
)


def row(kind: Kind, figure: float | None, unit: Unit = PER_SECOND, measure: str = "drain") -> Row:
    return Row(measure, kind.value, kind, figure, unit)


def test_a_percentile_is_one_of_the_values_by_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    random.Random(1).shuffle(values)
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 99.1) == 100
    assert percentile(values, 0) == 1
    assert percentile(values, 100) == 100


def test_percentiles_of_few_values() -> None:
    assert percentile([7.0], 1) == percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0], 50) == 1
    assert percentile([1.0, 2.0], 51) == 2


def test_a_percentile_needs_values_and_a_percent() -> None:
    with pytest.raises(ValueError, match="of no values"):
        percentile([], 50)
    with pytest.raises(ValueError, match=r"within 0\.\.100; got 101"):
        percentile([1.0], 101)


def test_latencies_are_in_milliseconds() -> None:
    p50, p99 = latencies("soon", "ours", Kind.OURS, [0.001] * 98 + [0.02, 0.5])
    assert (p50.measure, p50.figure, p50.unit) == ("soon, p50", 1.0, MILLISECONDS)
    assert (p99.measure, p99.figure) == ("soon, p99", 20.0)
    assert p99.remark == "of 100"


def test_a_rate_of_twice_the_stock_s_is_two_times_better() -> None:
    ours, stock = row(Kind.OURS, 500), row(Kind.STOCK, 250)
    assert times_stock(ours, [ours, stock]) == 2
    assert times_stock(row(Kind.LIMIT, 125), [ours, stock]) == 0.5


def test_half_the_stock_s_latency_is_two_times_better() -> None:
    ours, stock = row(Kind.OURS, 5, MILLISECONDS), row(Kind.STOCK, 10, MILLISECONDS)
    assert times_stock(ours, [stock, ours]) == 2


@pytest.mark.parametrize(
    ("ours", "stock"),
    [
        (row(Kind.OURS, 5), row(Kind.STOCK, None)),
        (row(Kind.OURS, None), row(Kind.STOCK, 5)),
        (row(Kind.OURS, 5), row(Kind.STOCK, 0)),
        (row(Kind.OURS, 5), row(Kind.STOCK, 5, measure="latency")),
        (row(Kind.OURS, 5, EVENTS), row(Kind.STOCK, 10, EVENTS)),
    ],
    ids=["stock skipped", "skipped", "stock zero", "another measure", "a count"],
)
def test_no_ratio_where_there_is_nothing_to_compare(ours: Row, stock: Row) -> None:
    assert times_stock(ours, [ours, stock]) is None


def test_the_stock_part_has_no_ratio_to_itself() -> None:
    stock = row(Kind.STOCK, 5)
    assert times_stock(stock, [stock]) is None


def test_a_skipped_row_says_why() -> None:
    there = skipped("drain", "Google's emulator", Kind.STOCK, PER_SECOND, "there is no java")
    assert there.figure is None
    assert there.remark == "skipped: there is no java"
