"""The parts of a query whose shape differs: column names of a result, UNNEST, SELECT AS STRUCT."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.ordering import order_nans


def prepare(tree: exp.Expr, ingested: bool = False) -> exp.Expr:
    """Reshape a resolved tree in place, before its functions are translated.

    `ingested` says that a table has columns for the time of its rows' ingestion.
    """
    for count, unnest in enumerate(list(tree.find_all(exp.Unnest))):
        if isinstance(unnest.parent, exp.From | exp.Join):
            _flatten(unnest, f"_unnest_{count}")
    _refuse_renamed_records(tree)
    for select in list(tree.find_all(exp.Select)):
        _refuse_empty_group(select)
        _refuse_star_of_records(select)
        _name_columns(select)
        if select.args.get("kind"):
            _as_struct(select)
    for name in tree.find_all(exp.Column):
        pseudo = () if ingested else ("_partitiontime", "_partitiondate")
        if name.name.lower() in ("rowid", *pseudo):
            raise InvalidQuery(f"Unrecognized name: {name.name}", "query")
    for update in tree.find_all(exp.Update):
        _unqualify(update)
    if isinstance(tree, exp.Update | exp.Delete) and tree.args.get("where") is None:
        raise InvalidQuery(f"{tree.key.upper()} must have a WHERE clause", "query")
    return order_nans(tree)


def _unqualify(update: exp.Update) -> None:
    """SET t.a = 1 -> SET a = 1, as DuckDB wants it."""
    merged = update.find_ancestor(exp.Merge)
    target = merged.this if merged else update.this
    for assignment in update.expressions:
        column = assignment.this
        if column.args.get("table"):
            if column.table.lower() != target.alias_or_name.lower():
                raise SqlNotSupported("SET of one field of a STRUCT")
            column.set("table", None)


def _flatten(unnest: exp.Unnest, name: str) -> None:
    """WITH OFFSET counts from 0; DuckDB's ORDINALITY, which SQLGlot would write, from 1."""
    offset = unnest.args.get("offset")
    if not offset:
        return
    alias = unnest.args.get("alias")
    value = alias.columns[0] if alias and alias.columns else alias and alias.this
    value = value or exp.to_identifier(f"{name}_value")
    position = offset if isinstance(offset, exp.Identifier) else exp.to_identifier("offset")
    ordinal, inner = exp.to_identifier("_ordinal"), exp.to_identifier(f"{name}_rows")
    array = unnest.expressions[0]
    rows = exp.Unnest(
        expressions=[array.copy()],
        alias=exp.TableAlias(this=inner, columns=[value.copy()]),
        offset=ordinal,
    )
    one = exp.Literal.number(1)
    select = exp.Select(
        expressions=[
            exp.Column(this=value.copy()),
            exp.alias_(exp.Sub(this=exp.Column(this=ordinal.copy()), expression=one), position),
        ]
    ).from_(rows)
    unnest.replace(exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(name))))


def _refuse_star_of_records(select: exp.Select) -> None:
    """`*` over an array of STRUCTs is its fields in BigQuery, one column in DuckDB."""
    if not any(isinstance(e, exp.Star) for e in select.expressions):
        return
    sources = [select.args.get("from_"), *(select.args.get("joins") or ())]
    for source in sources:
        unnest = source.this if source is not None else None
        if isinstance(unnest, exp.Unnest) and not _scalars(unnest.expressions[0]):
            raise SqlNotSupported("* over UNNEST of a column; name the columns")


def _refuse_renamed_records(tree: exp.Expr) -> None:
    """STRUCTs that meet in one column match by position in BigQuery, by name in DuckDB."""
    for node in tree.find_all(exp.SetOperation, exp.Array, exp.Case, exp.Coalesce, exp.If):
        if isinstance(node, exp.SetOperation):
            sides = (node.left.selects, node.right.selects)
            meeting = [[e.unalias() for e in pair] for pair in zip(*sides, strict=False)]
        else:
            meeting = [list(node.iter_expressions())]
        for values in meeting:
            records = [value for value in values if isinstance(value, exp.Struct)]
            if len({tuple(m.name.lower() for m in r.expressions) for r in records}) > 1:
                raise SqlNotSupported("STRUCTs with different field names in one column")


def _refuse_empty_group(select: exp.Select) -> None:
    """GROUP BY ALL of constants alone is one row in BigQuery, all rows in DuckDB."""
    group = select.args.get("group")
    constant = not any(e.find(exp.Column, exp.AggFunc, exp.Star) for e in select.expressions)
    if group is not None and group.args.get("all") and constant:
        raise SqlNotSupported("GROUP BY ALL of constants")


def _scalars(array: exp.Expr) -> bool:
    if isinstance(array, exp.Array):
        return not any(
            isinstance(e, exp.Struct | exp.Tuple | exp.Select) for e in array.expressions
        )
    return isinstance(
        array, exp.GenerateSeries | exp.GenerateDateArray | exp.GenerateTimestampArray | exp.Split
    )


def _name_columns(select: exp.Select) -> None:
    """Columns without a name are f0_, f1_ and so on."""
    if isinstance(select.parent, exp.Exists | exp.In):
        return
    unnamed = 0
    for column in list(select.expressions):
        if isinstance(column, exp.Dot):
            column.replace(exp.alias_(column.copy(), column.name, quoted=True))
        elif not isinstance(column, exp.Alias | exp.Column) and not column.is_star:
            column.replace(exp.alias_(column.copy(), f"f{unnamed}_", quoted=True))
            unnamed += 1


def _as_struct(select: exp.Select) -> None:
    if select.args["kind"] != "STRUCT" or any(e.is_star for e in select.expressions):
        raise SqlNotSupported(f"SELECT AS {select.args['kind']} of this kind")
    members = [
        exp.PropertyEQ(this=exp.to_identifier(e.output_name), expression=e.unalias().copy())
        for e in select.expressions
    ]
    select.set("kind", None)
    select.set("expressions", [exp.alias_(exp.Struct(expressions=members), "f0_")])
