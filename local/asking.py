"""`python -m local query` and `sql`: one statement after another, and what each gave."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TextIO

from local import rows
from local.attached import Reachable
from local.errors import BadQuery
from local.warehouse import Result, Warehouse


def warehouse(stack: Reachable) -> Warehouse:
    """The BigQuery of a stack."""
    names = stack.names
    return Warehouse(stack.url("bigquery"), names.project_id, names.dataset)


def as_json(result: Result) -> Iterator[str]:
    """The rows as one JSON array of objects, page by page; or what DML changed."""
    if not result.columns:
        yield json.dumps({"affected_rows": result.changed})
        return
    yield "["
    between = ""
    for page in result.pages:
        for row in page:
            yield between + json.dumps(dict(zip(result.columns, row, strict=True)))
            between = ", "
    yield "]"


def as_lines(result: Result, width: int) -> Iterator[str]:
    """The rows for a person, and last how many there are, or what was changed."""
    if result.columns:
        yield from rows.lines(result.columns, result.pages, width)
        yield f"({_counted(result.total)})"
    elif result.changed is not None:
        yield f"{_counted(result.changed)} changed"
    else:
        yield "done"


def _counted(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def show(lines: Iterable[str], out: TextIO, pager: str | None) -> None:
    """Print them; on a terminal that they would run off, by a pager."""
    size = shutil.get_terminal_size()
    every = iter(lines)
    first = list(islice(every, size.lines)) if out.isatty() and pager else []
    if len(first) < size.lines or not pager:
        for line in chain(first, every):
            print(line, file=out)
        return
    # -F: not for one screen; -S: long lines are cut, and the arrow keys show the rest.
    # It may end before it has read all: the reader has seen enough.
    with (
        contextlib.suppress(BrokenPipeError),
        subprocess.Popen(pager, shell=True, stdin=subprocess.PIPE, text=True) as reader,
    ):
        assert reader.stdin is not None
        for line in chain(first, every):
            reader.stdin.write(f"{line}\n")


def statements(source: Iterable[str]) -> Iterator[str]:
    """Split lines into statements, each ended by a semicolon at the end of a line."""
    held: list[str] = []
    for line in source:
        held.append(line)
        if line.rstrip().endswith(";"):
            yield "".join(held).strip().rstrip(";")
            held = []
    if rest := "".join(held).strip():
        yield rest


def run_all(there: Warehouse, source: Iterable[str]) -> int:
    """Run every statement of a file or a pipe; stops at the first that fails, with 2."""
    for statement in statements(source):
        try:
            show(
                as_lines(there.query(statement), shutil.get_terminal_size().columns),
                sys.stdout,
                None,
            )
        except BadQuery as error:
            print(f"sql: {error}", file=sys.stderr)
            return 2
    return 0
