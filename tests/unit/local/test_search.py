"""What a search asks BigQuery, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from local.errors import BadQuery
from local.search import search
from local.trace import literal
from local.warehouse import Result, Warehouse


class Asked(Warehouse):
    """Keeps the statements."""

    def has(self, table: str) -> bool:
        return True

    def query(self, sql: str) -> Result:
        STATEMENTS.append(sql)
        return Result()


STATEMENTS: list[str] = []
HERE = Asked("", "p", "d")


def asked(**given: Any) -> list[str]:
    STATEMENTS.clear()
    assert search(HERE, **given) == []
    return list(STATEMENTS)


def test_a_field_is_compared_whole_in_the_tables_that_have_it() -> None:
    (sql,) = asked(text="US", field="shipping_address.country", limit=7)
    assert "FROM `orders`" in sql
    assert """CAST(`shipping_address`.country AS STRING) = "US" ORDER BY""" in sql
    assert sql.endswith("LIMIT 7")
    assert len(asked(text="x", field="event_id")) == 4


def test_a_field_of_repeated_records_is_found_in_any_item() -> None:
    (sql,) = asked(text="prod-1", field="items.product_id")
    assert """EXISTS (SELECT 1 FROM UNNEST(`items`) AS item WHERE CAST(item.product_id""" in sql


def test_a_text_is_looked_for_everywhere_and_stays_a_text() -> None:
    evil = '" OR TRUE; DROP TABLE orders; --\n\\'
    for sql in asked(text=evil):
        assert literal(evil) in sql
        assert '" OR TRUE' not in sql.replace(literal(evil), "")
    assert literal(evil) == '"\\" OR TRUE; DROP TABLE orders; --\\n\\\\"'


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "refund"}, "no event type 'refund'"),
        ({"field": "a b"}, "dotted path"),
        ({"field": "nothing"}, "no field 'nothing'"),
        ({"field": "shipping_address"}, "no field 'shipping_address'"),
        ({"field": "items.product_id", "kind": "inventory"}, "no field 'items.product_id'"),
    ],
)
def test_what_is_no_type_or_field_is_named(given: dict[str, str], why: str) -> None:
    with pytest.raises(BadQuery, match=why):
        search(HERE, "x", given.get("kind", ""), given.get("field", ""))
