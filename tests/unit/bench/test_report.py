"""What a person, a pipe and a script are shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from rich.console import Console

from bench import report
from bench.__main__ import in_order
from bench.machine import Machine
from bench.rows import EVENTS, MILLISECONDS, PER_SECOND, Kind, Row, skipped

OURS = Row("drain", "LocalRunner", Kind.OURS, 18_000.4, PER_SECOND, "60,000 events")
STOCK = Row("drain", "DirectRunner", Kind.STOCK, 1_000, PER_SECOND)
LIMIT = Row("drain", "pull loop", Kind.LIMIT, 900, PER_SECOND)
SOON = Row("latency, p50", "LocalRunner", Kind.OURS, 2.55, MILLISECONDS)
LATE = Row("latency, p50", "DirectRunner", Kind.STOCK, 12.75, MILLISECONDS)
LOST = Row("lost", "DirectRunner", Kind.STOCK, 10, EVENTS)
ABSENT = skipped("insert", "another emulator", Kind.STOCK, PER_SECOND, "none can be installed")


def cells(rows: list[Row]) -> list[list[str]]:
    """What stands in each line of the table, column by column."""
    out = io.StringIO()
    Console(file=out, width=200).print(report.table("Title", rows))
    lines = [line for line in out.getvalue().splitlines()[4:] if line.strip()]
    return [[cell for cell in line.split("  ") if cell.strip()] for line in lines]


def line_of(part: str, rows: list[Row]) -> list[str]:
    return next([c.strip() for c in line] for line in cells(rows) if part in " ".join(line))


def test_the_table_sets_each_part_beside_the_stock_one() -> None:
    rows = [OURS, STOCK, LIMIT]
    assert line_of("LocalRunner", rows) == (
        ["drain", "LocalRunner", "ours", "18,000 events/s", "18x", "60,000 events"]
    )
    assert line_of("DirectRunner", rows) == ["DirectRunner", "stock", "1,000 events/s"]
    assert line_of("pull loop", rows) == ["pull loop", "limit", "900 events/s", "0.9x"]


def test_a_small_figure_keeps_a_digit_and_less_latency_is_better() -> None:
    assert line_of("LocalRunner", [SOON, LATE])[-2:] == ["2.5 ms", "5.0x"]
    assert line_of("DirectRunner", [LOST])[-1] == "10 events"


def test_a_skipped_row_shows_its_reason_and_no_figure() -> None:
    assert line_of("another", [ABSENT])[-2:] == ["-", "skipped: none can be installed"]


def test_a_measure_is_named_once() -> None:
    measures = [line[0].strip() for line in cells([OURS, STOCK, SOON, LATE])]
    assert measures == ["drain", "DirectRunner", "latency, p50", "DirectRunner"]


def test_rows_of_one_measure_come_together_in_the_order_of_their_coming() -> None:
    assert in_order([OURS, SOON, STOCK, LATE]) == [OURS, STOCK, SOON, LATE]


def test_a_script_gets_the_figures_unrounded_with_the_ratio() -> None:
    machine = Machine("2026-01-01T00:00:00+00:00", 2, "cpu", "CPython", "Linux", 0.5, {"x": "1"})
    shown = json.loads(json.dumps(report.document(machine, {"runner": [OURS, STOCK, ABSENT]})))
    assert shown["machine"]["cores"] == 2
    ours, stock, absent = shown["comparisons"]["runner"]
    assert (ours["figure"], ours["kind"]) == (18_000.4, "ours")
    assert ours["times_stock"] == pytest.approx(18.0004)
    assert stock["times_stock"] is None
    assert absent["figure"] is None
    assert absent["remark"] == "skipped: none can be installed"


def test_a_busy_machine_is_told() -> None:
    idle = Machine("2026-01-01T00:00:00+00:00", 2, "cpu", "CPython", "Linux", 0.9, {"duckdb": "2"})
    busy = Machine("2026-01-01T00:00:00+00:00", 2, "cpu", "CPython", "Linux", 1.1, {})
    assert idle.lines()[1:] == ["duckdb 2", "load average 0.9 at the start"]
    assert "it is busy, so trust the ratios only" in busy.lines()[2]


def ticks() -> Iterator[float]:
    yield from range(100, 200)


def test_a_pipe_gets_a_line_for_each_step_and_figure() -> None:
    out, clock = io.StringIO(), ticks()
    console = Console(file=out, width=40)
    with report.Progress(console, lambda: next(clock)) as progress:
        progress.step("runner: LocalRunner: 60,000 events from a backlog")
        progress.row(OURS)
    assert out.getvalue().splitlines() == [
        "  1.0 s  runner: LocalRunner: 60,000 events from a backlog",
        "  2.0 s  drain: LocalRunner 18,000 events/s",
    ]


def test_a_terminal_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb one is not redrawn
    out, clock = io.StringIO(), ticks()
    console = Console(file=out, width=80, force_terminal=True)
    with report.Progress(console, lambda: next(clock)) as progress:
        progress.step("runner: starting")
    assert "\x1b[" in out.getvalue()
