"""Flexible column names: what BigQuery lets a column be called, and what it doesn't."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localgcp.bigquery.catalog.schema import parse_schema
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.service import Service

PROJECT = "test-project"
NAMES = ("1col:on", "per % cent", "it's", "größe", "a-b", "x & y", "<#|=+>", "42", "_a")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    made.queries.run(Query("CREATE SCHEMA d", PROJECT))
    yield made
    made.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_such_a_name_is_written_changed_and_read(service: Service, name: str) -> None:
    def run(sql: str) -> list[dict[str, object]]:
        rows = service.queries.run(Query(sql, PROJECT, "d")).rows
        return [] if rows is None else list(rows.to_pylist())

    run(f"CREATE OR REPLACE TABLE d.t (`{name}` STRING, s STRUCT<`{name}` INT64>)")
    rows = [Row(None, {name: "streamed", "s": {name: 1}})]
    insert = service.streaming.insert_all
    assert not insert(Name(PROJECT, "d", "t"), rows, skip_invalid=False, ignore_unknown=False)
    run(f"INSERT d.t (`{name}`, s) VALUES ('inserted', STRUCT(2))")
    run(f"UPDATE d.t SET `{name}` = 'changed' WHERE s.`{name}` = 2")
    assert run(f"SELECT `{name}`, s.`{name}` AS n, s FROM d.t ORDER BY n") == [
        {name: "streamed", "n": 1, "s": {name: 1}},
        {name: "changed", "n": 2, "s": {name: 2}},
    ]
    run(f"CREATE OR REPLACE VIEW d.v AS SELECT UPPER(`{name}`) AS `{name}` FROM d.t")
    assert run(f"SELECT `{name}` FROM d.v WHERE `{name}` LIKE 'C%'") == [{name: "CHANGED"}]


@pytest.mark.parametrize("name", ["a.b", "a*", 'say "x"', "a/b", "a`b", "a\\b", "a\nb", "a" * 301])
def test_no_column_has_such_a_name(name: str) -> None:
    with pytest.raises(BadValue, match=r"schema\.fields\[0\]\.name"):
        parse_schema({"fields": [{"name": name, "type": "STRING"}]})
