"""What is remembered of insertIds: for how long, how many, for which table, over a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.rows import insert_ids
from localgcp.bigquery.rows.insert_ids import DEDUP_WINDOW_S, InsertIds
from localgcp.bigquery.store import Store

ORDERS = Table(Name("p", "d", "orders"), 1, 1)
OTHERS = Table(Name("p", "d", "others"), 1, 1)


class Uptime:
    """A clock that a test turns, which starts anywhere."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "data.duckdb")
    yield made
    made.close()


@pytest.fixture
def uptime() -> Uptime:
    return Uptime()


@pytest.fixture
def ids(store: Store, uptime: Uptime) -> InsertIds:
    return InsertIds(store, uptime)


def keep(store: Store, ids: InsertIds, table: Table, *names: str) -> None:
    with store.write() as tx:
        ids.remember(tx, table, list(names))


def kept(store: Store) -> list[tuple[str, float, str]]:
    with store.read() as db:
        return db.execute("FROM data.emulator.insert_ids ORDER BY seen").fetchall()


def test_rows_without_an_id_are_always_fresh(ids: InsertIds) -> None:
    assert ids.fresh(ORDERS, [None, None]) == [True, True]


def test_an_id_is_fresh_once_within_a_request(ids: InsertIds) -> None:
    assert ids.fresh(ORDERS, ["a", "b", "a", None, "b"]) == [True, True, False, True, False]


def test_an_id_that_was_asked_about_and_not_stored_stays_fresh(ids: InsertIds) -> None:
    assert ids.fresh(ORDERS, ["a"]) == [True]
    assert ids.fresh(ORDERS, ["a"]) == [True]


def test_an_id_is_known_in_its_own_table_alone(store: Store, ids: InsertIds) -> None:
    keep(store, ids, ORDERS, "a")
    assert ids.fresh(ORDERS, ["a", "b"]) == [False, True]
    assert ids.fresh(OTHERS, ["a"]) == [True]
    assert ids.fresh(replace(ORDERS, created_ms=2), ["a"]) == [True]


def test_what_is_undone_is_not_remembered(store: Store, ids: InsertIds) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        ids.remember(tx, ORDERS, ["a"])
        raise ZeroDivisionError
    assert ids.fresh(ORDERS, ["a"]) == [True]
    assert kept(store) == []


def test_no_ids_leave_no_trace(store: Store, ids: InsertIds) -> None:
    keep(store, ids, ORDERS)
    assert kept(store) == []


def test_an_id_is_known_to_the_end_of_the_window(
    store: Store, ids: InsertIds, uptime: Uptime
) -> None:
    keep(store, ids, ORDERS, "a")
    uptime.now += DEDUP_WINDOW_S
    assert ids.fresh(ORDERS, ["a"]) == [False]
    uptime.now += 0.001
    assert ids.fresh(ORDERS, ["a"]) == [True]


def test_the_window_is_a_setting(store: Store, uptime: Uptime) -> None:
    ids = InsertIds(store, uptime, window_s=2.0)
    keep(store, ids, ORDERS, "a")
    uptime.now += 2.1
    assert ids.fresh(ORDERS, ["a"]) == [True]


def test_only_what_is_older_is_forgotten(store: Store, ids: InsertIds, uptime: Uptime) -> None:
    keep(store, ids, ORDERS, "a")
    uptime.now += 200
    keep(store, ids, ORDERS, "b", "c")
    keep(store, ids, OTHERS, "a")
    uptime.now += 200
    assert ids.fresh(ORDERS, ["a", "b", "c"]) == [True, False, False]
    assert ids.fresh(OTHERS, ["a"]) == [False]
    uptime.now += 200
    assert ids.fresh(ORDERS, ["b", "c"]) == [True, True]


def test_too_many_push_the_oldest_out(
    store: Store, ids: InsertIds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insert_ids, "DEDUP_IDS", 4)
    keep(store, ids, ORDERS, "a", "b")
    keep(store, ids, OTHERS, "c", "d")
    assert ids.fresh(ORDERS, ["a", "b"]) == [False, False]  # four are not too many
    keep(store, ids, ORDERS, "e")
    assert ids.fresh(ORDERS, ["a", "b", "e"]) == [True, True, False]
    assert ids.fresh(OTHERS, ["c", "d"]) == [False, False]
    keep(store, ids, ORDERS, "f")  # what was pushed out no longer counts
    assert ids.fresh(OTHERS, ["c", "d"]) == [False, False]
    keep(store, ids, ORDERS, "g")
    assert ids.fresh(OTHERS, ["c", "d"]) == [True, True]
    assert ids.fresh(ORDERS, ["e", "f", "g"]) == [False] * 3


def test_ids_outlive_the_process_and_no_time_passes_meanwhile(
    store: Store, ids: InsertIds, uptime: Uptime
) -> None:
    keep(store, ids, ORDERS, "a")
    uptime.now += 100
    keep(store, ids, ORDERS, "b")
    uptime.now += 100
    keep(store, ids, ORDERS, "c")
    later = Uptime(7.0)
    again = InsertIds(store, later)
    assert again.fresh(ORDERS, ["a", "b", "c", "d"]) == [False, False, False, True]
    later.now += DEDUP_WINDOW_S - 199
    assert again.fresh(ORDERS, ["a", "b", "c"]) == [True, False, False]
    keep(store, again, ORDERS, "d")
    assert [row[1] for row in kept(store)] == [0.0, 100.0, 200.0, 301.0]


def test_an_age_is_told_by_table(store: Store, ids: InsertIds, uptime: Uptime) -> None:
    keep(store, ids, ORDERS, "a", "b")
    uptime.now += 10
    keep(store, ids, OTHERS, "a")
    uptime.now += 5
    assert ids.ages("a") == {"p:d.orders": 15.0, "p:d.others": 5.0}
    assert ids.ages("b") == {"p:d.orders": 15.0}
    assert ids.ages("c") == {}


def test_a_sweep_deletes_what_is_forgotten_and_no_more(
    store: Store, ids: InsertIds, uptime: Uptime
) -> None:
    keep(store, ids, ORDERS, "a")
    uptime.now += 200
    keep(store, ids, ORDERS, "b")
    ids.sweep()
    assert [row[2] for row in kept(store)] == ['["a"]', '["b"]']
    uptime.now += 200
    ids.sweep()
    assert [row[2] for row in kept(store)] == ['["b"]']
    uptime.now += 200
    ids.sweep()
    assert kept(store) == []
