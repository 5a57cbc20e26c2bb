"""The bytes that a statement reads: of the columns that it names, in the partitions that are left.

Source: Estimate and control costs; Querying partitioned tables, "Prune partitions". A filter prunes
if it holds the partition column against constants. A partition is read if one of its rows fits the
filter: BigQuery goes by the bounds of partitions, and may read one whose rows all fall outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.partitioning import PSEUDO_DATE
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import BigQueryError

if TYPE_CHECKING:
    from sqlglot import exp

    from localgcp.bigquery.googlesql.evaluator import Checked
    from localgcp.bigquery.googlesql.statements import Context


@dataclass(frozen=True, slots=True)
class Reads:
    """What is read of a table: some columns, of all rows or of some partitions.

    `partitions` is a query for values of the partition column, one or more of each partition.
    """

    table: Table
    columns: frozenset[str]
    partitions: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)


def reads_of(checked: Checked, context: Context) -> tuple[Reads, ...]:
    """What a query reads of each table that it names; of a view nothing, for it has no rows."""
    columns: dict[int, set[str]] = {}
    places = Counter(scan.table for scan in checked.analysis.scans)
    for scan in checked.analysis.scans:
        fields = checked.shape.tables[scan.table].fields
        named = {fields[place].name for place in scan.columns if place < len(fields)}
        columns.setdefault(scan.table, set()).update(named)
    found = []
    for place, names in columns.items():
        for table in checked.sources[place].tables:
            kept = frozenset(names)
            once = places[place] == 1 and len(checked.sources[place].tables) == 1
            if table.is_view:
                continue
            pruned = _partitions(table, checked, context) if once else None
            found.append(Reads(table, kept, *(pruned or ())))
    return tuple(found)


def _partitions(
    table: Table, checked: Checked, context: Context
) -> tuple[str, Mapping[str, object]] | None:
    """A query for the partition column under the statement's filters on it alone."""
    from localgcp.bigquery.googlesql import statements as sql

    if table.partitioning is None:
        return None
    try:
        conditions = _conditions(sql.parse(checked.split.sql), table)
        if not conditions:
            return None
        name, column = table.name, table.partitioning.column
        path = f"`{name.project}`.`{name.dataset}`.`{name.table}`"
        asked = " AND ".join(f"({text})" for text in conditions)
        text = f"SELECT {column} FROM {path} WHERE {asked}"
        made = sql.translate(sql.parse(text), context)
    except BigQueryError:  # what isn't understood prunes nothing
        return None
    return made.sql, made.values


def _conditions(tree: exp.Expr, table: Table) -> list[str]:
    """The parts of a WHERE clause that name no other column than that of the partitions."""
    from sqlglot import exp

    assert table.partitioning is not None
    own = {table.partitioning.column.lower()}
    own |= {PSEUDO_DATE.lower()} if table.is_ingested else set()
    nodes = [node for node in tree.find_all(exp.Table) if node.name == table.name.table]
    select = nodes[0].find_ancestor(exp.Select) if len(nodes) == 1 else None
    where = select.args.get("where") if select is not None else None
    if where is None:
        return []
    names = {"", (nodes[0].alias or nodes[0].name).lower()}
    conditions = where.this.flatten() if isinstance(where.this, exp.And) else (where.this,)
    found = []
    for condition in conditions:
        columns = list(condition.find_all(exp.Column))
        if not columns or condition.find(exp.Select):
            continue
        if all(c.name.lower() in own and c.table.lower() in names for c in columns):
            alone = condition.copy()
            for column in list(alone.find_all(exp.Column)):
                column.set("table", None)
            found.append(alone.sql(dialect="bigquery"))
    return found
