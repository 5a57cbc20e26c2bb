"""`python -m bench [NAME ...] [--quick] [--json]`: speed side by side, in one run."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Protocol, cast

from rich.console import Console

from bench import machine, report
from bench.errors import BenchError
from bench.ground import Ground
from bench.rows import Row
from local.run import Interrupted, signals_raise

NAMES = ("runner", "pubsub", "bigquery", "pipeline", "generator")
WIDTH_IN_A_PIPE = 130


class Comparison(Protocol):
    """A module of this package that measures."""

    TITLE: str

    def compare(self, ground: Ground) -> Iterator[Row]:
        """Yield each figure once it is known."""


def load(name: str) -> Comparison:
    """The comparison called `name`; Beam and the Google clients load with it."""
    return cast(Comparison, importlib.import_module(f"bench.{name}"))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    args = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    args.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; else all")
    args.add_argument("--quick", action="store_true", help="fewer events: a minute or two in all")
    args.add_argument("--json", action="store_true", help="for a script: one JSON document")
    return args


def run(
    names: list[str], quick: bool, console: Console
) -> tuple[dict[str, list[Row]], list[BenchError]]:
    """All figures, by comparison, and what kept others from theirs; no process is left."""
    found: dict[str, list[Row]] = {}
    failed: list[BenchError] = []
    with report.Progress(console) as progress:
        for name in names:
            progress.step(f"{name}: starting")
            rows = found[name] = []
            step = partial(_step, progress, name)
            try:
                with Ground(quick, step) as ground:
                    for row in load(name).compare(ground):
                        progress.row(row)
                        rows.append(row)
            except BenchError as error:
                step(f"failed: {error}")
                failed.append(error)
    return {name: in_order(rows) for name, rows in found.items()}, failed


def _step(progress: report.Progress, name: str, text: str) -> None:
    progress.step(f"{name}: {text}")


def in_order(rows: list[Row]) -> list[Row]:
    """Rows of the same measure together, measures and parts as they first came."""
    measures = list(dict.fromkeys(row.measure for row in rows))
    return sorted(rows, key=lambda row: measures.index(row.measure))


def main(argv: list[str] | None = None) -> int:
    """Measure and show; gives the exit code, 2 if a comparison failed."""
    args = parser().parse_args(argv)
    unknown = [name for name in args.names if name not in NAMES]
    if unknown:
        parser().error(f"unknown comparison {unknown[0]!r}; known: {', '.join(NAMES)}")
    console = Console(stderr=args.json, highlight=False)
    where = machine.look()
    for line in where.lines():
        console.print(line, soft_wrap=True)
    try:
        with signals_raise():
            found, failed = run(args.names or list(NAMES), args.quick, console)
    except Interrupted:
        return 130
    if args.json:
        sys.stdout.write(json.dumps(report.document(where, found), indent=2) + "\n")
    else:
        _show(console, found)
    for error in failed:
        sys.stderr.write(f"bench: {error}\n")
    return 2 if failed else 0


def _show(console: Console, found: dict[str, list[Row]]) -> None:
    if not console.is_terminal:
        console.width = WIDTH_IN_A_PIPE
    for name, rows in found.items():
        console.print(report.table(load(name).TITLE, rows))


if __name__ == "__main__":
    sys.exit(main())
