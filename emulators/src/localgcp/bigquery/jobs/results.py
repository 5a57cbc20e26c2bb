"""The result of a statement: its columns in BigQuery's types, its rows held in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb

from localgcp.bigquery.catalog.schema import Field, result_field
from localgcp.bigquery.errors import (
    DuplicateColumn,
    QueryFailed,
    ResponseTooLarge,
    SqlNotSupported,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.googlesql.statements import Translation

ACTIONS = {"MERGE": ("INSERT", "UPDATE", "DELETE")}
MAX_RESULT_BYTES = 256 * 1024 * 1024
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A query as DuckDB runs it, and its columns in BigQuery's types.

    `text` is GoogleSQL, where a view keeps it as the client wrote it.
    """

    fields: tuple[Field, ...]
    translation: Translation
    text: str = ""

    @property
    def stored(self) -> pa.Table:
        """The rows of a plan that has them at hand."""
        (rows,) = self.translation.relations.values()
        return rows


def view_of(fields: tuple[Field, ...], text: str) -> Plan:
    """The query of a view, of which only the text and the columns are kept."""
    from localgcp.bigquery.googlesql.statements import Translation

    return Plan(fields, Translation(""), text)


def plan_of(fields: tuple[Field, ...], rows: pa.Table | None) -> Plan:
    """A query that gives these rows."""
    from localgcp.bigquery.googlesql.statements import Translation

    assert rows is not None, "a query without a destination holds its rows"
    name = "_localgcp_rows"
    return Plan(
        fields, Translation(f"SELECT * FROM {name}", relations={name: _stored(rows, fields)})
    )


def placed(plan: Plan, columns: tuple[Field, ...]) -> Plan:
    """The rows of a plan as columns of a table: members of STRUCTs match by place, not by name."""
    rows, arrays = plan.stored, []
    for given, wanted, array in zip(plan.fields, columns, rows.columns, strict=True):
        arrays.append(array if given.type != "RECORD" else _renamed(array, given, wanted))
    names = [f"_v{number}" for number in range(len(arrays))]
    table = rows.from_arrays(arrays, names=names)
    relations = dict.fromkeys(plan.translation.relations, table)
    return replace(plan, translation=replace(plan.translation, relations=relations))


def _renamed(array: pa.ChunkedArray, given: Field, wanted: Field) -> pa.Array:
    import pyarrow as pa

    from localgcp.bigquery.catalog.schema import arrow_type

    kind = arrow_type(_like(given, wanted))
    return pa.array([_member(value, given, wanted) for value in array.to_pylist()], kind)


def _like(given: Field, wanted: Field) -> Field:
    """The types of `given` under the names of `wanted`. Raises QueryFailed."""
    if len(given.fields) != len(wanted.fields):
        raise QueryFailed(f"A value of another STRUCT type in column {wanted.name}")
    members = [_like(*pair) for pair in zip(given.fields, wanted.fields, strict=True)]
    return replace(given, name=wanted.name, fields=tuple(members))


def _member(value: Any, given: Field, wanted: Field) -> Any:
    if isinstance(value, list):
        return [_member(each, given, wanted) for each in value]
    if value is None or not given.fields:
        return value
    pairs = zip(given.fields, wanted.fields, strict=True)
    return {theirs.name: _member(value[ours.name], ours, theirs) for ours, theirs in pairs}


def _stored(rows: pa.Table, fields: tuple[Field, ...]) -> pa.Table:
    import pyarrow as pa

    from localgcp.bigquery.catalog.schema import arrow_type

    layout = pa.schema([(field.name, arrow_type(field)) for field in fields])
    return rows.cast(layout)


def fields_of(relation: duckdb.DuckDBPyRelation) -> tuple[Field, ...]:
    """Its columns. Raises DuplicateColumn, NotSupported."""
    fields = tuple(
        result_field(name, kind)
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    seen: set[str] = set()
    for column in fields:
        if column.name.lower() in seen:
            raise DuplicateColumn(column.name)
        seen.add(column.name.lower())
    return fields


def agree(ours: tuple[Field, ...], theirs: tuple[Field, ...]) -> None:
    """Look whether DuckDB's columns are the analyzer's. Raises SqlNotSupported."""
    if not _alike(ours, theirs):
        raise SqlNotSupported("this statement: DuckDB gives its columns other types")


def _alike(ours: tuple[Field, ...], theirs: tuple[Field, ...]) -> bool:
    """Whether two results have the same names and types; modes of members don't count."""
    return len(ours) == len(theirs) and all(
        a.name == b.name
        and (a.type == b.type or (a.type, b.type) == ("BYTES", "BIGNUMERIC"))
        and a.repeated == b.repeated
        and _alike(a.fields, b.fields)
        for a, b in zip(ours, theirs, strict=True)
    )


def register(db: duckdb.DuckDBPyConnection, translation: Translation) -> None:
    """Make the rows that a statement brings known by their names."""
    for name, relation in translation.relations.items():
        db.register(name, relation)


def bind(db: duckdb.DuckDBPyConnection, translation: Translation) -> duckdb.DuckDBPyRelation:
    """Understood and typed, not yet run."""
    register(db, translation)
    return db.sql(translation.sql, params=dict(translation.values))


def changed(db: duckdb.DuckDBPyConnection, kind: str, translation: Translation) -> dict[str, int]:
    """Run a DML statement: how many rows it inserted, updated and deleted. Raises QueryFailed."""
    register(db, translation)
    if not translation.sql.startswith("MERGE"):  # which an UPDATE may have become
        row = db.execute(translation.sql, dict(translation.values)).fetchone()
        return {kind: int(row[0]) if row else 0}
    told = f"{translation.sql} RETURNING merge_action"
    done = db.execute(told, dict(translation.values))
    counts = Counter(dict.fromkeys(ACTIONS.get(kind, (kind,)), 0))
    while actions := done.fetchmany(_BATCH):
        counts.update(action for (action,) in actions)
    return dict(counts)


def fetch(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """Run it and hold its rows. Raises ResponseTooLarge, QueryFailed."""
    import pyarrow as pa

    reader = relation.to_arrow_reader(_BATCH)
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > MAX_RESULT_BYTES:
            raise ResponseTooLarge(MAX_RESULT_BYTES)
        batches.append(batch)
    return _int64(pa.Table.from_batches(batches, reader.schema))


def first_bytes(relation: duckdb.DuckDBPyRelation, limit: int) -> pa.Table:
    """Its first rows, at least one if it has any, and as many as fit into `limit` bytes."""
    import pyarrow as pa

    reader = relation.to_arrow_reader(_BATCH)
    batches: list[pa.RecordBatch] = []
    left = limit
    for batch in reader:
        if batch.nbytes > left:
            fit = batch.num_rows * left // batch.nbytes
            batches.append(batch.slice(0, fit if batches or fit else 1))
            break
        batches.append(batch)
        left -= batch.nbytes
    return pa.Table.from_batches(batches, reader.schema)


def _int64(rows: pa.Table) -> pa.Table:
    """DuckDB sums up in 128 bits (here a decimal without a fraction), BigQuery in 64."""
    import pyarrow as pa

    wide = pa.decimal128(38, 0)
    if wide not in rows.schema.types:
        return rows
    fields = [f.with_type(pa.int64()) if f.type == wide else f for f in rows.schema]
    try:
        return rows.cast(pa.schema(fields))
    except pa.ArrowInvalid as error:
        raise QueryFailed("int64 overflow") from error
