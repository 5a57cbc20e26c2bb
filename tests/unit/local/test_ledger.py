"""The account: what counts as stored, lost, duplicated."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from local.ledger import Ids, Stored, read_published, reconcile


def stored(
    rows: str = "", lines: str = "", dead_rows: str = "", dead_lines: str = "", **more: Ids
) -> Stored:
    """Each letter is an event id."""
    return Stored(
        rows={"orders": Counter(rows), **more},
        lines=Counter(lines),
        dead_rows=Counter(dead_rows),
        dead_lines=Counter(dead_lines),
        reasons=Counter({"not_json": len(dead_rows)}),
        files=3,
    )


def test_all_stored_once_balances() -> None:
    ledger = reconcile(Counter("abcd"), stored("abc", "abc", "d", "d"))
    assert ledger.balanced
    assert (ledger.published, ledger.in_bigquery, ledger.in_files) == (4, 3, 3)
    assert (ledger.dead_lettered, ledger.lost, ledger.unrecorded) == (1, 0, 0)
    assert (ledger.duplicated_rows, ledger.duplicated_lines) == (0, 0)
    assert ledger.tables == {"orders": 3}
    assert ledger.reasons == {"not_json": 1}


def test_missing_from_either_place_is_lost() -> None:
    assert reconcile(Counter("abc"), stored("ab", "abc")).lost_ids == ["c"]
    assert reconcile(Counter("abc"), stored("abc", "ac")).lost_ids == ["b"]
    assert reconcile(Counter("ab"), stored("a", "a", "b", "")).lost_ids == ["b"]
    assert not reconcile(Counter("a"), stored()).balanced


def test_a_row_refused_by_bigquery_may_be_in_the_event_files() -> None:
    ledger = reconcile(Counter("ab"), stored("a", "ab", "b", "b"))
    assert (ledger.lost, ledger.dead_lettered, ledger.in_files) == (0, 1, 2)


def test_extras_are_counted_apart_for_rows_and_lines() -> None:
    ledger = reconcile(Counter("ab"), stored("aab", "aaab"))
    assert (ledger.duplicated_rows, ledger.duplicated_lines) == (1, 2)
    assert ledger.lost == 0


def test_published_twice_may_be_stored_twice() -> None:
    ledger = reconcile(Counter("aab"), stored("aab", "aaab"))
    assert (ledger.published, ledger.duplicated_rows, ledger.duplicated_lines) == (2, 0, 1)


def test_ids_of_all_tables_count_together() -> None:
    ledger = reconcile(Counter("ab"), stored("a", "ab", users=Counter("b")))
    assert ledger.lost == 0
    assert ledger.tables == {"orders": 1, "users": 1}


def test_what_others_published_is_unrecorded_not_lost() -> None:
    ledger = reconcile(Counter("a"), stored("ax", "ax", "y", "y"))
    assert (ledger.unrecorded, ledger.lost, ledger.published) == (2, 0, 1)


def test_only_the_first_lost_ids_are_named() -> None:
    ledger = reconcile(Counter(str(each) for each in range(100, 200)), stored())
    assert ledger.lost == 100
    assert ledger.lost_ids == ["100", "101", "102", "103", "104"]


def test_what_changed_or_is_gone_is_named_and_does_not_balance() -> None:
    whole = stored("ab", "ab")
    changed = reconcile(Counter("ab"), replace(whole, changed=["b"]))
    assert (changed.changed, changed.changed_ids, changed.lost) == (1, ["b"], 0)
    assert not changed.balanced
    gone = reconcile(Counter("ab"), replace(stored("ab"), gone=["bucket raw-events"]))
    assert (gone.gone, gone.lost, gone.balanced) == (["bucket raw-events"], 2, False)


def test_the_publish_log_may_end_in_a_torn_line(tmp_path: Path) -> None:
    log = tmp_path / "published.jsonl"
    assert read_published(log) == Counter()
    log.write_text('{"event_id": "a"}\n{"event_id": "b"}\n{"event_id": "a"}\n{"event_i')
    assert read_published(log) == Counter({"a": 2, "b": 1})
