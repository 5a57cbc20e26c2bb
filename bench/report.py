"""How a run is shown: live on a terminal, lines in a pipe, a table at the end, or JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from bench.machine import Machine
from bench.rows import Kind, Row, times_stock

STYLES = {Kind.OURS: "bold", Kind.STOCK: "", Kind.LIMIT: "dim"}


class Progress:
    """Tells what is being measured: in place on a terminal, a line each in a pipe."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._began = clock()
        self._live = Status("", console=console) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def step(self, text: str) -> None:
        """Something begins that takes its time."""
        line = f"{self._clock() - self._began:5.1f} s  {text}"
        if self._live is not None:
            self._live.update(line)
        else:
            self._console.print(line, soft_wrap=True, highlight=False)

    def row(self, row: Row) -> None:
        """A figure is known."""
        line = f"{self._clock() - self._began:5.1f} s  {row.measure}: {row.part} {shown(row)}"
        self._console.print(line, soft_wrap=True, highlight=False, style="dim")


def shown(row: Row) -> str:
    """The figure with its unit, or a dash."""
    if row.figure is None:
        return "-"
    digits = 0 if row.figure >= 100 or row.unit.more_is_better is None else 1
    return f"{row.figure:,.{digits}f} {row.unit.name}"


def ratio(row: Row, rows: Sequence[Row]) -> str:
    """How many times better than the stock part, as text; empty where there is no ratio."""
    times = times_stock(row, rows)
    if times is None:
        return ""
    return f"{times:,.0f}x" if times >= 10 else f"{times:.1f}x"


def table(name: str, rows: Sequence[Row]) -> Table:
    """All figures of one comparison, those of one measure together."""
    made = Table(title=name, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    made.add_column("measure", max_width=30)
    made.add_column("part", max_width=26)
    made.add_column("")
    made.add_column("figure", justify="right", no_wrap=True)
    made.add_column("to stock", justify="right", no_wrap=True)
    made.add_column("remark", style="dim", max_width=48)
    for measure, group in groupby(rows, lambda row: row.measure):
        for position, row in enumerate(group):
            made.add_row(
                Text("" if position else measure, "bold"),
                Text(row.part, STYLES[row.kind]),
                Text(row.kind.value, STYLES[row.kind]),
                Text(shown(row), STYLES[row.kind]),
                Text(ratio(row, rows), "green" if row.kind is Kind.OURS else "dim"),
                Text(row.remark),
            )
        made.add_section()
    return made


def document(machine: Machine, found: dict[str, list[Row]]) -> dict[str, Any]:
    """The same for a script: machine, and per comparison its rows with `times_stock`."""
    return {
        "machine": vars(machine),
        "comparisons": {
            name: [
                {
                    "measure": row.measure,
                    "part": row.part,
                    "kind": row.kind.value,
                    "figure": row.figure,
                    "unit": row.unit.name,
                    "times_stock": times_stock(row, rows),
                    "remark": row.remark,
                }
                for row in rows
            ]
            for name, rows in found.items()
        },
    }
