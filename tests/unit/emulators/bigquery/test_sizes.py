"""A table's bytes: read through once, also while rows come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from localgcp.bigquery.catalog import sizes as sizes_module
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import ResourcesExceeded
from localgcp.bigquery.store import Store

ORDERS = Table(Name("p", "d", "orders"), 1, 1, fields=(Field("id", "INTEGER"),))
OTHERS = Table(Name("p", "d", "others"), 1, 1, fields=(Field("id", "INTEGER"),))


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(None)
    with made.write() as tx:
        tx.db.execute('CREATE SCHEMA data."p:d"')
        for table in (ORDERS, OTHERS):
            tx.db.execute(f"CREATE TABLE {table.name.sql} (id BIGINT)")
    yield made
    made.close()


@pytest.fixture
def sizes(store: Store) -> Sizes:
    return Sizes(store)


def insert(store: Store, sizes: Sizes, table: Table = ORDERS) -> None:
    with store.write() as tx:
        tx.db.execute(f"INSERT INTO {table.name.sql} VALUES (1)")
        tx.after.append(lambda: sizes.add(table, 8))


class Reading:
    """Counts the times that a table is read through, and does something in the midst of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self.meanwhile: Callable[[], object] = lambda: None
        measure = sizes_module.logical_bytes

        def measured(column: object) -> int:
            self.times += 1
            self.meanwhile()
            return measure(column)

        monkeypatch.setattr(sizes_module, "logical_bytes", measured)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


def test_rows_are_added_up_without_reading(store: Store, sizes: Sizes, reading: Reading) -> None:
    insert(store, sizes)
    assert sizes.bytes(ORDERS) == 8
    insert(store, sizes)
    insert(store, sizes)
    assert (sizes.bytes(ORDERS), reading.times) == (24, 1)


@pytest.mark.parametrize("table", [ORDERS, OTHERS])
def test_rows_that_come_while_a_table_is_read_are_counted_once(
    store: Store, sizes: Sizes, reading: Reading, table: Table
) -> None:
    insert(store, sizes)
    reading.meanwhile = lambda: insert(store, sizes, table)
    expected = 16 if table is ORDERS else 8
    assert (sizes.bytes(ORDERS), reading.times) == (expected, 1)
    assert (sizes.bytes(ORDERS), reading.times) == (expected, 1)


def test_what_changed_meanwhile_is_read_again(store: Store, sizes: Sizes, reading: Reading) -> None:
    insert(store, sizes)

    def delete() -> None:
        with store.write() as tx:
            tx.db.execute(f"DELETE FROM {ORDERS.name.sql}")
            tx.after.append(lambda: sizes.forget(ORDERS))

    reading.meanwhile = delete
    assert sizes.bytes(ORDERS) == 8
    reading.meanwhile = lambda: None
    assert sizes.bytes(ORDERS) == 0


def test_what_a_transaction_sees_is_not_kept(store: Store, sizes: Sizes) -> None:
    store.begin()
    insert(store, sizes)
    assert sizes.bytes(ORDERS) == 8
    store.roll_back()
    assert sizes.bytes(ORDERS) == 0


def test_a_reading_that_fails_is_not_kept(store: Store, sizes: Sizes, reading: Reading) -> None:
    insert(store, sizes)

    def fail() -> None:
        raise MemoryError

    reading.meanwhile = fail
    with pytest.raises(ResourcesExceeded):
        sizes.bytes(ORDERS)
    reading.meanwhile = lambda: None
    assert sizes.bytes(ORDERS) == 8
