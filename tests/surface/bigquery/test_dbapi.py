"""The DB-API 2.0 face (PEP 249)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import dbapi

from tests.surface.introspect import covers


@pytest.fixture
def connection(client: bigquery.Client) -> Iterator[dbapi.Connection]:
    """By REST: by default the connection would look for the Storage API at Google."""
    yield dbapi.Connection(client, prefer_bqstorage_client=False)


@covers(dbapi, "connect", "Connection", "Cursor", "apilevel", "threadsafety", "paramstyle")
@covers(dbapi.Connection, "cursor", "commit", "close")
@covers(dbapi.Cursor, "execute", "fetchone", "fetchmany", "fetchall", "close", "query_job")
@covers(dbapi.Cursor, "setinputsizes", "setoutputsize")
def test_a_query(client: bigquery.Client, people: bigquery.Table) -> None:
    assert (dbapi.apilevel, dbapi.threadsafety, dbapi.paramstyle) == ("2.0", 2, "pyformat")
    connection = dbapi.connect(client, prefer_bqstorage_client=False)
    assert isinstance(connection, dbapi.Connection)
    cursor = connection.cursor()
    assert isinstance(cursor, dbapi.Cursor)
    cursor.setinputsizes([1])
    cursor.setoutputsize(1)
    sql = f"SELECT name, age FROM `{people.reference}` WHERE name >= %(from)s ORDER BY name"
    cursor.execute(sql, {"from": "Ada"})
    assert [column.name for column in cursor.description] == ["name", "age"]
    assert cursor.rowcount == 3
    assert tuple(cursor.fetchone()) == ("Ada", 36)
    assert [row.name for row in cursor.fetchmany(1)] == ["Bob"]
    assert [row.name for row in cursor.fetchall()] == ["Cyd"]
    assert cursor.fetchone() is None
    assert cursor.query_job.statement_type == "SELECT"
    connection.commit()
    cursor.close()
    connection.close()
    with pytest.raises(dbapi.ProgrammingError, match="closed"):
        connection.cursor()


@covers(dbapi.Cursor, "executemany")
def test_many_rows_go_in(connection: dbapi.Connection, people: bigquery.Table) -> None:
    cursor = connection.cursor()
    insert = f"INSERT INTO `{people.reference}` (name, age) VALUES (%s, %s)"
    cursor.executemany(insert, [("Eve", 1), ("Fay", 2)])
    assert cursor.rowcount == 2
    cursor.execute(f"SELECT SUM(age) FROM `{people.reference}`")
    assert tuple(cursor.fetchone()) == (80,)


@covers(dbapi, "Warning", "Error", "InterfaceError", "DatabaseError", "DataError")
@covers(dbapi, "OperationalError", "IntegrityError", "InternalError", "ProgrammingError")
@covers(dbapi, "NotSupportedError")
def test_errors(connection: dbapi.Connection) -> None:
    with pytest.raises(dbapi.DatabaseError, match="Unrecognized name: nothing"):
        connection.cursor().execute("SELECT nothing")
    with pytest.raises(dbapi.DatabaseError, match="not supported by the emulator"):
        connection.cursor().execute("SELECT ST_GEOGPOINT(1, 2)")
    assert issubclass(dbapi.DatabaseError, dbapi.Error)
    assert issubclass(dbapi.InterfaceError, dbapi.Error)
    assert issubclass(dbapi.Warning, Exception)
    for kind in (
        dbapi.DataError,
        dbapi.OperationalError,
        dbapi.IntegrityError,
        dbapi.InternalError,
        dbapi.ProgrammingError,
        dbapi.NotSupportedError,
    ):
        assert issubclass(kind, dbapi.DatabaseError)


@covers(dbapi, "Binary", "Date", "DateFromTicks", "Time", "TimeFromTicks")
@covers(dbapi, "Timestamp", "TimestampFromTicks")
@covers(dbapi, "BINARY", "DATETIME", "NUMBER", "ROWID", "STRING")
def test_types_go_there_and_back(connection: dbapi.Connection) -> None:
    given = {
        "b": dbapi.Binary("x"),
        "d": dbapi.Date(2026, 11, 25),
        "t": dbapi.Time(10, 30),
        "ts": dbapi.Timestamp(2026, 11, 25, 10, 30),
        "n": 1,
        "s": "x",
    }
    cursor = connection.cursor()
    cursor.execute(f"SELECT {', '.join(f'%({name})s AS {name}' for name in given)}", given)
    row = cursor.fetchone()
    assert dict(row) | {"ts": None} == given | {"ts": None}
    assert row.ts.replace(tzinfo=None) == given["ts"]
    kinds = [column.type_code for column in cursor.description]
    assert kinds == ["BYTES", "DATE", "TIME", "DATETIME", "INTEGER", "STRING"]
    assert kinds[0] == dbapi.BINARY
    assert all(kind == dbapi.DATETIME for kind in kinds[1:4])
    assert (kinds[4] == dbapi.NUMBER, kinds[5] == dbapi.STRING) == (True, True)
    assert kinds[4] != dbapi.ROWID
    assert dbapi.DateFromTicks(0) == datetime.date.fromtimestamp(0)
    assert dbapi.TimeFromTicks(0, tz=datetime.UTC) == datetime.time(0, tzinfo=datetime.UTC)
    assert dbapi.TimestampFromTicks(0, tz=datetime.UTC).year == 1970
