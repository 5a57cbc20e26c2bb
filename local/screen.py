"""What the commands show: a live table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text
from rich.tree import Tree

from local.ledger import Ledger
from local.observe import Sight

LOOK: dict[str, Any] = {"box": SIMPLE_HEAD, "title_justify": "left", "title_style": "bold"}
RATE_SECONDS = 3.0
PLAIN_SECONDS = 1.0


class Rate:
    """Events a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, at: float, count: int) -> float:
        """Take in `count` at the time `at`, in seconds; give the rate until now."""
        self._seen.append((at, count))
        while len(self._seen) > 2 and at - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (count - before) / (at - since) if at > since else 0.0


class Progress:
    """Shows one sight after another: in place on a terminal, a line a second in a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8) if console.is_terminal else None
        self._published, self._stored = Rate(), Rate()
        self._started: float | None = None
        self._printed = float("-inf")

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

    def show(self, sight: Sight) -> None:
        """Show where the events are now."""
        if self._started is None:
            self._started = sight.at
        published = self._published.of(sight.at, sight.published or 0)
        stored = self._stored.of(sight.at, sight.stored)
        if self._live is not None:
            self._live.update(_table(sight, published, stored))
        elif sight.at - self._printed >= PLAIN_SECONDS:
            self._printed = sight.at
            seconds = sight.at - self._started
            self._console.print(_line(sight, seconds, published, stored), soft_wrap=True)


def _line(sight: Sight, seconds: float, published: float, stored: float) -> str:
    tables = "  ".join(f"{table} {rows:,}" for table, rows in sight.rows.items())
    return (
        f"{seconds:5.1f} s  published {_count(sight.published)} ({published:,.0f}/s)  "
        f"backlog {_count(sight.backlog)}  stored {sight.stored:,} ({stored:,.0f}/s)  "
        f"{tables}  dead letters {sight.dead_letters:,}  files {_count(sight.files)}"
    )


def _table(sight: Sight, published: float, stored: float) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", min_width=16)
    table.add_column(justify="right", min_width=9)
    table.add_column(style="dim")
    age = sight.oldest_seconds
    waiting = "" if not age else f"oldest {age:.1f} s"
    table.add_row("published", _count(sight.published), f"{published:,.0f}/s")
    table.add_row("backlog", _count(sight.backlog), waiting)
    state = Text("stalled", "red") if sight.stalled else Text(sight.pipeline, "green")
    table.add_row("pipeline", state, f"{stored:,.0f}/s stored")
    for name, rows in sight.rows.items():
        table.add_row(f"  {name}", f"{rows:,}", "rows")
    table.add_row("  dead letters", f"{sight.dead_letters:,}", "rows")
    table.add_row("  files", _count(sight.files), "objects")
    return table


def save_svg(console: Console, path: Path, title: str) -> None:
    """Save all that a recording console showed, in a font that the reader has."""
    picture = console.export_svg(title=title, theme=SVG_EXPORT_THEME)
    # Rich names a web font; a picture in a README should ask nobody for anything.
    picture = re.sub(r"@font-face {.*?}", "", picture, flags=re.DOTALL)
    path.write_text(picture.replace("Fira Code, monospace", "DejaVu Sans Mono, monospace"))


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def ledger_table(ledger: Ledger) -> Table:
    """The account, line by line, with the verdict last."""
    table = Table(title="Delivery ledger", **LOOK, min_width=60)
    table.add_column("events")
    table.add_column("count", justify="right")
    table.add_column("read from", style="dim")
    table.add_row("published", f"{ledger.published:,}", "the publishers' own record")
    table.add_row("stored in BigQuery", f"{ledger.in_bigquery:,}", "event tables")
    table.add_row("stored in files", f"{ledger.in_files:,}", "Cloud Storage, output/")
    table.add_row("dead-lettered", f"{ledger.dead_lettered:,}", "dead_letter_events, dead-letter/")
    if ledger.unrecorded:
        table.add_row("unrecorded", f"{ledger.unrecorded:,}", "stored, in no publisher's record")
    table.add_section()
    table.add_row("duplicated rows", f"{ledger.duplicated_rows:,}", "same event_id in a table")
    table.add_row("duplicated lines", f"{ledger.duplicated_lines:,}", "same event_id in files")
    if ledger.changed:
        table.add_row("changed rows", f"{ledger.changed:,}", _first(ledger.changed_ids))
    for each in ledger.gone:
        table.add_row(Text("gone", "bold red"), "", each)
    style = "bold green" if ledger.balanced else "bold red"
    table.add_row(Text("lost", style), Text(f"{ledger.lost:,}", style), _first(ledger.lost_ids))
    return table


def _first(ids: Sequence[str]) -> str:
    return "\n".join(("first:", *ids)) if ids else ""


def account(ledger: Ledger) -> Group:
    """The whole account: dead letters by reason, where there are any, and the ledger."""
    letters = [reasons_table(ledger.reasons)] if ledger.reasons else []
    return Group(*letters, ledger_table(ledger))


def reasons_table(reasons: dict[str, int]) -> Table:
    """Dead letters by reason, most frequent first."""
    table = Table(title="Dead letters", **LOOK)
    table.add_column("reason")
    table.add_column("messages", justify="right")
    for reason, count in sorted(reasons.items(), key=lambda each: (-each[1], each[0])):
        table.add_row(reason, f"{count:,}")
    return table


def rows_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A query's result."""
    table = Table(title=title, **LOOK)
    rows = list(rows)
    for position, column in enumerate(columns):
        numbers = all(isinstance(row[position], int | float) for row in rows)
        table.add_column(column, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*("NULL" if value is None else str(value) for value in row))
    return table


def file_tree(title: str, files: Iterable[tuple[str, int]], most: int) -> Tree:
    """Objects as (name, size in bytes), by root and type; the first `most` of each."""
    kinds: dict[str, list[Text]] = {}
    for name, size in sorted(files):
        root, kind, path = name.split("/", 2)
        # A name is never broken over two lines, so that it can be copied.
        line = Text(f"{path}  ", no_wrap=True, overflow="ignore").append(f"{size:,} bytes", "dim")
        kinds.setdefault(f"{root}/{kind}/", []).append(line)
    tree = Tree(f"[bold]{title}[/bold]")
    for kind, paths in kinds.items():
        branch = tree.add(kind)
        for line in paths[:most]:
            branch.add(line)
        if len(paths) > most:
            branch.add(f"[dim]… and {len(paths) - most:,} more[/dim]")
    return tree
