"""BIGNUMERIC with all of its digits: how it is kept, and which engine answers what."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import (
    EvaluatorBound,
    Invalid,
    InvalidQuery,
    QueryFailed,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql.parameters import Parameter
from localgcp.bigquery.googlesql.reference.client import Limits, Reference, shared
from localgcp.bigquery.jobs import extract_files
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.avro_file import AvroFile
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.rows.columnar import ColumnarFile
from localgcp.bigquery.rows.reader import RowError, compile_reader
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.service import Service
from localgcp.bigquery.streams.arrow_rows import read_batch
from localgcp.bigquery.streams.read_sessions import Wanted

PROJECT = "test-project"
LEAST = "-578960446186580977117854925043439539266.34992332820282019728792003956564819968"
MOST = "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
SMALLEST = "0.00000000000000000000000000000000000001"
NUMBERS = [LEAST, "-1.5", f"-{SMALLEST}", "0", SMALLEST, "1.5", MOST]
COLUMN = (Field("n", "BIGNUMERIC"),)
UNITS = st.integers(-(2**255), 2**255 - 1) | st.integers(-(10**40), 10**40)


@given(UNITS, UNITS)
def test_bytes_sort_as_their_numbers_do(one: int, other: int) -> None:
    first, second = bignumeric.of_units(one), bignumeric.of_units(other)
    assert (first < second, first == second) == (one < other, one == other)
    assert bignumeric.packed(bignumeric.unpacked(first)) == first
    assert bignumeric.packed(Decimal(bignumeric.text(first))) == first


@pytest.mark.parametrize(
    "raw", ["578960446186580977117854925043439539267", f"{SMALLEST}1", "NaN", "1e999999", "x", True]
)
def test_what_is_none_is_told(raw: object) -> None:
    with pytest.raises(RowError, match=f"Invalid BIGNUMERIC value: {raw}"):
        compile_reader(COLUMN, False).read({"n": raw})


@pytest.fixture(scope="module")
def reference() -> Reference:
    found = shared()
    found.names("SELECT 1")  # wait for it
    return found


@pytest.fixture(scope="module")
def service(reference: Reference) -> Iterator[Service]:
    made = Service(None, reference=reference)
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    columns = [{"name": "i", "type": "INTEGER"}, {"name": "n", "type": "BIGNUMERIC"}]
    schema = {"tableReference": {"tableId": "t"}, "schema": {"fields": columns}}
    made.create_table(PROJECT, "d", schema)
    rows = [{"i": place, "n": number} for place, number in enumerate(NUMBERS)]
    name, inserted = Name(PROJECT, "d", "t"), [Row(None, row) for row in [*rows[::-1], {"i": 7}]]
    found = made.streaming.insert_all(name, inserted, skip_invalid=False, ignore_unknown=False)
    assert found == []
    run(made, "CREATE VIEW d.v AS SELECT n, CAST(n AS STRING) AS s FROM d.t")
    yield made
    made.close()


def run(service: Service, sql: str, *parameters: Parameter) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d", parameters))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


PARAMETER = Parameter("p0", "p", COLUMN[0], bignumeric.packed(Decimal("1.5")))
# What their bytes tell.
BY_BYTES: list[tuple[str, list[list[str | None]]]] = [
    ("SELECT n FROM d.t WHERE n IS NOT NULL ORDER BY n", [[number] for number in NUMBERS]),
    ("SELECT MIN(n), MAX(n), COUNT(n), COUNT(DISTINCT n) FROM d.t", [[LEAST, MOST, "7", "7"]]),
    ("SELECT a.i FROM d.t AS a JOIN d.t AS b USING (n) WHERE a.n = @p", [["5"]]),
    (
        "SELECT n, COUNT(*) FROM d.t WHERE n >= @p GROUP BY n ORDER BY 1",
        [["1.5", "1"], [MOST, "1"]],
    ),
    ("SELECT LAG(n) OVER (ORDER BY n) FROM d.t WHERE i IN (0, 1) ORDER BY i", [[None], [LEAST]]),
]
RECKONED: list[tuple[str, list[list[str | None]]]] = [
    ("SELECT SUM(n) FROM d.t", [[f"-{SMALLEST}"]]),
    ("SELECT n + 1 FROM d.t WHERE i = 4", [[f"1{SMALLEST[1:]}"]]),
    ("SELECT i FROM d.t WHERE n > 1.25 ORDER BY i", [["5"], ["6"]]),
    ("SELECT CAST(n AS STRING), TO_JSON_STRING(n) FROM d.t WHERE i = 1", [["-1.5", '"-1.5"']]),
    ("SELECT TO_JSON_STRING(t) FROM d.t AS t WHERE i = 5", [['{"i":5,"n":"1.5"}']]),
    ("SELECT s FROM d.v WHERE n IS NOT NULL ORDER BY n LIMIT 1", [[LEAST]]),
    (
        "SELECT COUNT(*) OVER (ORDER BY n RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"
        " FROM d.t WHERE i BETWEEN 1 AND 4 ORDER BY n",
        [["1"], ["1"], ["2"], ["3"]],
    ),
]


@pytest.mark.parametrize(("sql", "rows"), BY_BYTES + RECKONED)
def test_queries(service: Service, sql: str, rows: list[list[str | None]]) -> None:
    assert run(service, sql, *[PARAMETER] * ("@p" in sql)) == rows


@pytest.fixture
def bounded(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference evaluator takes no row."""
    monkeypatch.setattr(reference, "limits", Limits(rows=0))


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(("sql", "rows"), BY_BYTES)
def test_duckdb_answers_what_bytes_tell(
    service: Service, sql: str, rows: list[list[str | None]]
) -> None:
    assert run(service, sql, *[PARAMETER] * ("@p" in sql)) == rows


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(("sql", "rows"), RECKONED)
def test_duckdb_is_not_asked_what_it_cannot_reckon(
    service: Service, sql: str, rows: list[list[str | None]]
) -> None:
    with pytest.raises(EvaluatorBound):
        run(service, sql)


def test_without_the_analyzer_no_query_reads_them() -> None:
    service = Service(None)
    service.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(service, "CREATE TABLE d.t (i INT64, n BIGNUMERIC)")
    for sql in ("SELECT i FROM d.t", "INSERT INTO d.t VALUES (1, '1')", "SELECT BIGNUMERIC '1'"):
        with pytest.raises(SqlNotSupported, match="BIGNUMERIC"):
            run(service, sql)
    service.close()


def test_statements_change_them(service: Service) -> None:
    run(service, "CREATE TABLE d.made AS SELECT i, n, [n] AS a, STRUCT(n AS x) AS s FROM d.t")
    run(
        service,
        f"INSERT INTO d.made VALUES (8, BIGNUMERIC '{MOST}', [BIGNUMERIC '1', 2], STRUCT(-3))",
    )
    run(service, "INSERT INTO d.made (i, n) SELECT i + 10, n FROM d.t WHERE n IS NULL")
    run(service, "UPDATE d.made SET n = n / 2 WHERE i = 5")
    run(service, "DELETE FROM d.made WHERE i < 5 OR n IS NULL AND i = 7")
    asked = "SELECT i, n, a, s FROM d.made ORDER BY i"
    assert run(service, asked) == [
        ["5", "0.75", [{"v": "1.5"}], {"f": [{"v": "1.5"}]}],
        ["6", MOST, [{"v": MOST}], {"f": [{"v": MOST}]}],
        ["8", MOST, [{"v": "1"}, {"v": "2"}], {"f": [{"v": "-3"}]}],
        ["17", None, [], None],
    ]
    kinds = [f.type for f in service.catalog.table(Name(PROJECT, "d", "made")).fields]
    assert kinds == ["INTEGER", "BIGNUMERIC", "BIGNUMERIC", "RECORD"]
    with pytest.raises(QueryFailed, match="BIGNUMERIC overflow"):
        run(service, "UPDATE d.made SET n = n + 1 WHERE i = 8")
    with pytest.raises(InvalidQuery):
        run(service, "INSERT INTO d.made (n) VALUES (b'1')")


def test_a_column_becomes_one(service: Service) -> None:
    run(service, "CREATE TABLE d.wide (i INT64, n NUMERIC NOT NULL)")
    run(service, "INSERT INTO d.wide VALUES (-7, 1.000000001)")
    for column in "in":
        run(service, f"ALTER TABLE d.wide ALTER COLUMN {column} SET DATA TYPE BIGNUMERIC")
    assert run(service, "SELECT i, n FROM d.wide") == [["-7", "1.000000001"]]


def test_a_state_of_before_is_brought_up(tmp_path: Path) -> None:
    nested = {"name": "r", "type": "RECORD", "mode": "REPEATED"}
    inner = [{"name": "x", "type": "BIGNUMERIC"}, {"name": "j", "type": "JSON"}]
    fields = [{"name": "n", "type": "BIGNUMERIC", "mode": "REQUIRED"}, nested | {"fields": inner}]
    old = Service(tmp_path / "bigquery.duckdb")
    old.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    made = {"tableReference": {"tableId": "t"}, "schema": {"fields": fields}}
    table = old.create_table(PROJECT, "d", made)
    with old.store.write() as tx:
        name, kind = table.name.sql, "DECIMAL(38,19)"
        tx.db.execute(f"DROP TABLE {name}")
        tx.db.execute(f"CREATE TABLE {name} (n {kind} NOT NULL, r STRUCT(x {kind}, j JSON)[])")
        tx.db.execute(f"INSERT INTO {name} VALUES (-1.5, [{{'x': 2.25, 'j': '1'}}, NULL]), (0, [])")
    old.close()
    for _ in range(2):
        new = Service(tmp_path / "bigquery.duckdb")
        with new.store.read() as db:
            rows = db.sql(f"SELECT * FROM {name}").to_arrow_table()
        numbers = [bignumeric.text(number) for number in rows.column(0).to_pylist()]
        assert numbers == ["-1.5", "0"]
        (record, null), empty = rows.column(1).to_pylist()
        assert (bignumeric.text(record["x"]), record["j"], null, empty) == ("2.25", "1", None, [])
        assert new.sizes.bytes(table) == 32 * 3 + 3
        new.close()


def test_files_bring_them_and_take_them() -> None:
    most, least = Decimal(MOST), Decimal(LEAST)
    kept = [bignumeric.packed(value) for value in (most, least)]
    batch = pa.record_batch([pa.array([*kept, None], pa.binary())], names=["n"])
    for form, reader in (("PARQUET", ColumnarFile), ("AVRO", AvroFile)):
        file = extract_files.write(extract_files.Form(form), COLUMN, [batch]).data
        read = reader(file, decimals=("BIGNUMERIC",))
        assert read.detect()[0].type == "BIGNUMERIC"
        assert [row["n"] for row in read.rows(COLUMN, False, 0)] == [*kept, None]
    text = extract_files.write(extract_files.Form("CSV", header=False), COLUMN, [batch]).data
    assert text.decode() == f"{MOST}\n{LEAST}\n\n"


def test_a_file_s_number_that_is_none_is_told() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array([Decimal("1e39")], pa.decimal256(76, 0))}), file)
    with pytest.raises(Invalid, match="Invalid BIGNUMERIC value: 1"):
        list(ColumnarFile(file.getvalue(), decimals=("BIGNUMERIC",)).rows(COLUMN, False, 0))


def test_the_storage_apis_carry_them(service: Service) -> None:
    schema = pa.schema([("n", pa.decimal256(76, 38))])
    batch = pa.record_batch([pa.array([Decimal("1.5"), None], schema[0].type)], schema=schema)
    read = read_batch(schema.serialize(), batch.serialize(), COLUMN, "t")
    assert read.column(0).to_pylist() == [bignumeric.packed(Decimal("1.5")), None]
    sessions = service.read_sessions
    wanted = Wanted(Name(PROJECT, "d", "t"), ("n",), restriction="n < -1 OR n > 100", max_streams=1)
    session = sessions.create(PROJECT, wanted)
    (stream,) = session.streams
    (found,) = sessions.read(f"{session.name}/streams/{stream}", 0)
    assert found.schema == schema
    assert set(found.column(0).to_pylist()) == {Decimal(MOST), Decimal("-1.5"), Decimal(LEAST)}
