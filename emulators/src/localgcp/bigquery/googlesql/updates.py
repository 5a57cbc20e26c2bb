"""UPDATE ... FROM, which must find each row once, and the numbers of rows that DML is told by."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.reference.messages import ROW


def joined(tree: exp.Expr) -> exp.Expr:
    """An UPDATE ... FROM one source as a MERGE: DuckDB's refuses to change a row twice.

    Any other statement as it is. Raises SqlNotSupported for several sources, or a SET of members.
    """
    source = tree.args.get("from_")
    where = tree.args.get("where")
    if not isinstance(tree, exp.Update) or source is None or where is None:
        return tree
    using = source.this
    if using.args.get("joins") or not isinstance(using, exp.Table | exp.Subquery):
        raise SqlNotSupported("UPDATE ... FROM several tables, or an array")
    update = exp.Update(expressions=tree.expressions)
    when = exp.When(matched=True, source=False, then=update)
    return exp.Merge(
        this=tree.this, using=using, on=where.this, whens=exp.Whens(expressions=[when])
    )


def number_rows(tree: exp.Expr) -> exp.Expr:
    """The hidden column that numbers a table's rows, by DuckDB's name, in a translated query."""
    for column in tree.find_all(exp.Column):
        if column.name == ROW:
            column.set("this", exp.to_identifier("rowid", quoted=True))
    return tree
