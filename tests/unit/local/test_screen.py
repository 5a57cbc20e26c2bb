"""What a person and a pipe see."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console, RenderableType

from local import screen
from local.ledger import Ledger
from local.observe import Sight


def sight(at: float, published: int, rows: int) -> Sight:
    return Sight(
        at=at,
        published=published,
        backlog=published - rows,
        oldest_seconds=1.5,
        pipeline="running",
        rows={"orders": rows},
        dead_letters=2,
        files=4,
    )


def text(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(what)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def test_a_pipe_gets_one_line_a_second() -> None:
    out = io.StringIO()
    with screen.Progress(Console(file=out, width=60)) as progress:
        for tick in range(9):
            progress.show(sight(100 + tick / 4, published=tick * 250, rows=tick * 200))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "2.0 s  published 2,000 (1,000/s)  backlog 400  stored 1,602" in lines[2]
    assert "orders 1,600  dead letters 2  files 4" in lines[2]


def test_a_terminal_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb one is not redrawn
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with screen.Progress(console) as progress:
        progress.show(sight(1.0, 10, 5))
        progress.show(sight(2.0, 30, 30))
    assert "\x1b[" in out.getvalue()
    assert "oldest 1.5 s" in out.getvalue()


def test_a_silent_process_shows_as_unknown_not_as_zero() -> None:
    out = io.StringIO()
    with screen.Progress(Console(file=out, width=60)) as progress:
        progress.show(Sight(at=1.0))
    assert "published ? (0/s)  backlog ?" in out.getvalue()


def test_rate_is_of_the_last_seconds_only() -> None:
    rate = screen.Rate()
    assert rate.of(0, 0) == 0
    assert rate.of(1, 1_000) == 1_000
    for second in range(2, 10):
        slowed = rate.of(second, 1_000)
    assert slowed == 0


def test_the_ledger_names_what_is_lost() -> None:
    ledger = Ledger(10, 8, 8, 1, 1, ["id-7"], 0, 2, 3, {"orders": 8}, {"not_json": 1}, 2)
    shown = text(screen.ledger_table(ledger))
    assert "id-7" in shown
    assert "unrecorded" in shown
    assert not ledger.balanced


def test_the_account_has_reasons_only_where_there_are_dead_letters() -> None:
    ledger = Ledger(10, 10, 10, 0, 0, [], 0, 0, 0, {"orders": 10}, {}, 2)
    assert "Dead letters" not in text(screen.account(ledger))
    ledger = dataclasses.replace(ledger, reasons={"not_json": 3})
    shown = text(screen.account(ledger))
    assert shown.index("not_json") < shown.index("Delivery ledger")


def test_the_tree_shows_the_first_files_of_each_type() -> None:
    files = [(f"output/order/2024/01/15/10/{minute:02}/o_{minute}.json", 9) for minute in range(5)]
    shown = text(screen.file_tree("gs://b", [*files, ("dead-letter/not_json/2026/x.json", 1)], 2))
    assert "2024/01/15/10/01/o_1.json  9 bytes" in shown
    assert "o_2.json" not in shown
    assert "… and 3 more" in shown
    assert "2026/x.json  1 bytes" in shown


def test_no_name_in_a_tree_is_broken_on_80_columns() -> None:
    kinds = ("output/user_activity", "dead-letter/unknown_event_type")
    files = [
        (f"{kind}/2024/01/15/10/40/{kind.split('/')[1]}_202401151040001.json", 123_456)
        for kind in kinds
    ]
    lines = text(screen.file_tree("gs://local-project-dev-raw-events", files, 3)).splitlines()
    for kind, (name, _) in zip(kinds, files, strict=True):
        assert any(line.endswith(f"{kind}/") for line in lines)
        shown = [line for line in lines if f"{name.split('/', 2)[2]}  123,456 bytes" in line]
        assert len(shown) == 1


def test_a_missing_value_is_null() -> None:
    assert "NULL" in text(screen.rows_table("t", ["a"], [(None,)]))
