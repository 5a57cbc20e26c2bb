"""UPDATE ... FROM and MERGE: each row is changed once, counted, and however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localgcp.bigquery.errors import MatchedTwice
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Outcome, Query
from localgcp.bigquery.service import Service

Run = Callable[[str], Outcome]
MANY = 60_000  # for which the reference evaluator would take minutes


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    service = Service(None, reference=shared())

    def run(sql: str) -> Outcome:
        return service.queries.run(Query(sql, "test-project", "d"))

    run("CREATE SCHEMA d")
    yield run
    service.close()


@pytest.fixture
def tables(run: Run) -> Run:
    run("CREATE OR REPLACE TABLE d.t AS SELECT id, 'old' AS s FROM UNNEST([1, 2, 3]) AS id")
    run("CREATE OR REPLACE TABLE d.u AS SELECT id, 'new' AS s FROM UNNEST([2, 3, 4]) AS id")
    run("CREATE OR REPLACE TABLE d.twice AS SELECT 2 AS id, s FROM UNNEST(['a', 'b']) AS s")
    return run


def rows(run: Run) -> list[dict[str, Any]]:
    found = run("SELECT id, s FROM d.t ORDER BY id, s").rows
    assert found is not None
    return list(found.to_pylist())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE d.t SET s = w.s FROM d.twice w WHERE t.id = w.id",
        "UPDATE d.t SET s = w.s FROM d.u JOIN d.twice w USING (id) WHERE t.id = w.id",
        "UPDATE d.t x SET x.s = w.s FROM (SELECT * FROM d.twice) w WHERE x.id = w.id",
        "UPDATE d.t SET s = w.s FROM UNNEST([STRUCT(2 AS id, 'a' AS s), (2, 'b')]) w"
        " WHERE t.id = w.id",
        "MERGE d.t USING d.twice w ON t.id = w.id WHEN MATCHED THEN UPDATE SET s = w.s",
        "MERGE d.t USING d.twice w ON t.id = w.id WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT ROW",
    ],
)
def test_no_row_is_changed_twice(tables: Run, sql: str) -> None:
    before = rows(tables)
    with pytest.raises(MatchedTwice, match="must match at most one source row"):
        tables(sql)
    assert rows(tables) == before


@pytest.mark.parametrize(
    ("sql", "inserted", "updated", "deleted"),
    [
        ("UPDATE d.t SET s = u.s FROM d.u WHERE t.id = u.id", None, 2, None),
        ("UPDATE d.t SET s = u.s FROM d.u WHERE t.id = u.id AND u.id > 9", None, 0, None),
        ("UPDATE d.t SET s = u.s FROM d.u JOIN d.u v USING (id) WHERE t.id = v.id", None, 2, None),
        (
            "MERGE d.t USING d.u ON t.id = u.id WHEN MATCHED AND u.id = 2 THEN UPDATE SET s = u.s"
            " WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, s) VALUES (u.id, u.s)",
            *(1, 1, 1),
        ),
        ("MERGE d.t USING d.u ON t.id = u.id WHEN NOT MATCHED THEN INSERT ROW", 1, 0, 0),
        (
            "MERGE d.t USING d.u ON FALSE WHEN NOT MATCHED THEN INSERT ROW"
            " WHEN NOT MATCHED BY SOURCE THEN DELETE",
            *(3, 0, 3),
        ),
        ("MERGE d.t USING d.u ON t.id = u.id + 9 WHEN MATCHED THEN DELETE", 0, 0, 0),
    ],
)
def test_what_was_done_is_counted(
    tables: Run, sql: str, inserted: int | None, updated: int | None, deleted: int | None
) -> None:
    told = {"INSERT": inserted, "UPDATE": updated, "DELETE": deleted}
    assert tables(sql).affected == {kind: n for kind, n in told.items() if n is not None}


def test_many_rows_meet_many(run: Run) -> None:
    numbers = f"UNNEST(GENERATE_ARRAY(1, {MANY})) AS n"
    run(f"CREATE OR REPLACE TABLE d.t AS SELECT n AS id, 'old' AS s FROM {numbers}")
    run(f"CREATE OR REPLACE TABLE d.u AS SELECT n * 2 AS id, 'new' AS s FROM {numbers}")
    merged = run(
        "MERGE d.t USING d.u ON t.id = u.id WHEN MATCHED THEN UPDATE SET s = u.s"
        " WHEN NOT MATCHED THEN INSERT ROW"
    )
    assert merged.affected == {"INSERT": MANY // 2, "UPDATE": MANY // 2, "DELETE": 0}
    updated = run(
        "UPDATE d.t SET s = v.s FROM d.u JOIN d.u v USING (id) WHERE t.id = v.id AND v.id > 100"
    )
    assert updated.affected == {"UPDATE": MANY - 50}
