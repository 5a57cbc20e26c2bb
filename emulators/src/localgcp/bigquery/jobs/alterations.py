"""ALTER of tables, views and schemas; CREATE and DROP of schemas, which the API calls datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import TimePartitioning
from localgcp.bigquery.catalog.schema import Field, duckdb_type, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.stored_anew import store_anew
from localgcp.bigquery.catalog.table import Table, apply
from localgcp.bigquery.errors import (
    AlreadyExists,
    Invalid,
    InvalidQuery,
    NotFound,
    SqlNotSupported,
)
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    from sqlglot import exp

    from localgcp.bigquery.googlesql.alterations import Alteration, ValueOf
    from localgcp.bigquery.googlesql.statements import Context

# ALTER COLUMN SET DATA TYPE, "Coercion rules": a type -> those that hold all its values.
_WIDER = {
    "INTEGER": ("NUMERIC", "BIGNUMERIC", "FLOAT"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT"),
}


class Alterations:
    """Runs one such statement, all of it or nothing."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes

    def run(
        self, tree: exp.Expr, kind: str, context: Context, value_of: ValueOf, dry_run: bool
    ) -> Outcome:
        """Run one statement. Raises InvalidQuery and its kin, NotFound, AlreadyExists."""
        if kind.endswith("_SCHEMA"):
            return self._schema(tree, kind, context, value_of, dry_run)
        return self._alter(tree, kind, context, value_of, dry_run)

    # Schemas

    def _schema(
        self, tree: exp.Expr, kind: str, context: Context, value_of: ValueOf, dry_run: bool
    ) -> Outcome:
        project, id_ = _schema_name(tree, kind, context)
        verb = kind.removesuffix("_SCHEMA")
        exists = bool(tree.args.get("exists"))
        try:
            if verb == "CREATE":
                self._create_schema(project, id_, _options_of(tree, value_of), dry_run)
            elif verb == "ALTER":
                self._alter_schema(project, id_, tree, value_of, dry_run)
            else:
                self._drop_schema(project, id_, bool(tree.args.get("cascade")), dry_run)
        except (NotFound, AlreadyExists):
            if not exists:
                raise
            verb = "SKIP"
        return Outcome(kind, schema=(project, id_), operation=verb, dry_run=dry_run)

    def _create_schema(
        self, project: str, id_: str, resource: Mapping[str, Any], dry_run: bool
    ) -> None:
        reference = {"projectId": project, "datasetId": id_}
        if not dry_run:
            self._catalog.create_dataset(project, {**resource, "datasetReference": reference})

    def _alter_schema(
        self, project: str, id_: str, tree: exp.Expr, value_of: ValueOf, dry_run: bool
    ) -> None:
        dataset = self._catalog.dataset(project, id_)
        for action in _actions(tree, value_of):
            resource = _with_labels(getattr(action, "resource", None), dataset.labels)
            if not dry_run:
                self._catalog.change_dataset(project, id_, resource, None)

    def _drop_schema(self, project: str, id_: str, cascade: bool, dry_run: bool) -> None:
        self._catalog.dataset(project, id_)
        if not dry_run:
            self._catalog.delete_dataset(project, id_, cascade)

    # Tables and views

    def _alter(
        self, tree: exp.Expr, kind: str, context: Context, value_of: ValueOf, dry_run: bool
    ) -> Outcome:
        from localgcp.bigquery.googlesql.statements import names_of

        name = names_of(context).name_of(tree.this)
        actions = _actions(tree, value_of)
        with self._store.write() as tx:
            try:
                table = self._catalog.table(name)
            except NotFound:
                if tree.args.get("exists"):
                    return Outcome(kind, target=name, operation="SKIP", dry_run=dry_run)
                raise
            if table.is_view != (kind == "ALTER_VIEW"):
                is_a = "a view" if table.is_view else "a table"
                raise Invalid(f"{name} is {is_a}, so {kind.replace('_', ' ')} cannot change it")
            if not dry_run:
                for action in actions:
                    table = self._apply(tx, table, action)
                tx.after.append(lambda: self._sizes.forget(table))
        return Outcome(kind, target=name, operation="ALTER", dry_run=dry_run)

    def _apply(self, tx: Transaction, table: Table, action: Alteration) -> Table:
        """The table as the action leaves it, written."""
        from localgcp.bigquery.googlesql import alterations as a

        if table.is_view and not isinstance(action, a.SetOptions):
            raise Invalid(f"{table.name} is a view: only its options can be changed")
        match action:
            case a.RenameTable(new):
                return self._catalog.rename_in(tx, table, new)
            case a.SetOptions(resource, None):
                new_table = self._with_options(table, resource)
            case a.SetOptions(resource, column):
                new_table = _with_description(table, str(column), resource)
            case _:
                new_table = _alter_columns(tx, table, action)
        new_table = replace(new_table, modified_ms=self._catalog.now_ms())
        self._catalog.write_table(tx, new_table)
        return new_table

    def _with_options(self, table: Table, resource: Mapping[str, Any]) -> Table:
        resource = _with_labels(resource, table.labels)
        if "partitionExpirationMs" in resource:
            if table.partitioning is None:
                raise Invalid(f"{table.name} is not partitioned: partition_expiration_days")
            if not isinstance(table.partitioning, TimePartitioning):
                raise Invalid(f"{table.name} is not partitioned by time: partition_expiration_days")
            part = replace(table.partitioning, expiration_ms=None).to_resource()
            part["expirationMs"] = resource.pop("partitionExpirationMs")
            resource["timePartitioning"] = part
        return apply(table, resource, self._catalog.now_ms())


def _alter_columns(tx: Transaction, table: Table, action: Alteration) -> Table:
    """Columns added, dropped, renamed, relaxed or widened. Raises InvalidQuery."""
    from localgcp.bigquery.googlesql import alterations as a

    match action:
        case a.AddColumn(field, if_absent):
            return _add(tx, table, field, if_absent)
        case a.DropColumn(name, if_there):
            return _drop(tx, table, name, if_there)
        case a.RenameColumn(old, new, if_there):
            return _rename(tx, table, old, new, if_there)
        case a.Relax(name):
            return _relax(tx, table, _column(table, name))
        case a.Widen(field):
            return _widen(tx, table, field)
        case _:
            raise SqlNotSupported(f"ALTER TABLE with {action}")


def _add(tx: Transaction, table: Table, field: Field, if_absent: bool) -> Table:
    if _find(table, field.name) is not None:
        if if_absent:
            return table
        raise InvalidQuery(f"Column already exists: {field.name}", "query")
    if field.required:
        what = f"Cannot add required fields to an existing schema. (field: {field.name})"
        raise InvalidQuery(what, "query")
    if field.length is not None:
        raise SqlNotSupported(f"adding column {field.name} of type {field.type}({field.length})")
    _ddl(tx, table, f"ADD COLUMN {quoted(field.name)} {duckdb_type(field)}")
    return replace(table, fields=(*table.fields, field))


def _drop(tx: Transaction, table: Table, name: str, if_there: bool) -> Table:
    if if_there and _find(table, name) is None:
        return table
    column = _column(table, name)
    _check_free(table, column, "drop")
    if len(table.fields) == 1:
        raise InvalidQuery(f"Cannot drop the only column of {table.name}: {name}", "query")
    _ddl(tx, table, f"DROP COLUMN {quoted(column.name)}")
    return replace(table, fields=tuple(each for each in table.fields if each is not column))


def _rename(tx: Transaction, table: Table, old: str, new: str, if_there: bool) -> Table:
    if if_there and _find(table, old) is None:
        return table
    column = _column(table, old)
    _check_free(table, column, "rename")
    other = _find(table, new)
    if other is not None and other is not column:
        raise InvalidQuery(f"Column already exists: {new}", "query")
    _ddl(tx, table, f"RENAME COLUMN {quoted(column.name)} TO {quoted(new)}")
    return _with(table, column, replace(column, name=new))


def _relax(tx: Transaction, table: Table, column: Field) -> Table:
    if not column.required:
        return table
    _ddl(tx, table, f"ALTER COLUMN {quoted(column.name)} DROP NOT NULL")
    return _with(table, column, replace(column, mode="NULLABLE"))


def _widen(tx: Transaction, table: Table, field: Field) -> Table:
    column = _column(table, field.name)
    if column.type == field.type:
        return table
    if field.type not in _WIDER.get(column.type, ()) or column.repeated:
        what = f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that {column.type} of column"
        raise InvalidQuery(f"{what} {column.name} is assignable to {field.type}", "query")
    new = replace(column, type=field.type)
    if new.type == "BIGNUMERIC":
        store_anew(tx, table, new)
    else:
        _ddl(tx, table, f"ALTER COLUMN {quoted(column.name)} SET DATA TYPE {duckdb_type(new)}")
    return _with(table, column, new)


def _with_description(table: Table, name: str, resource: Mapping[str, Any]) -> Table:
    column = _column(table, name)
    if set(resource) - {"description"}:
        raise SqlNotSupported(f"column options {', '.join(sorted(resource))}")
    return _with(table, column, replace(column, description=resource.get("description") or ""))


def _ddl(tx: Transaction, table: Table, clause: str) -> None:
    tx.db.execute(f"ALTER TABLE {table.name.sql} {clause}")


def _with(table: Table, old: Field, new: Field) -> Table:
    return replace(table, fields=tuple(new if each is old else each for each in table.fields))


def _find(table: Table, name: str) -> Field | None:
    return next((each for each in table.fields if each.name.lower() == name.lower()), None)


def _column(table: Table, name: str) -> Field:
    found = _find(table, name)
    if found is None:
        raise InvalidQuery(f"Column not found: {name} in table {table.name}", "query")
    return found


def _check_free(table: Table, column: Field, verb: str) -> None:
    """Look whether the table's layout needs a column.

    Raises InvalidQuery for a column that the table is laid out by.
    """
    by = table.partitioning.column if table.partitioning else None
    for what, names in (("partitioning", (by,)), ("clustering", table.clustering)):
        if column.name in names:
            raise InvalidQuery(f"Cannot {verb} {what} column {column.name}", "query")


def _with_labels(resource: Mapping[str, Any] | None, labels: Mapping[str, str]) -> dict[str, Any]:
    """SET OPTIONS(labels) replaces them all, where a patch by the API adds to them."""
    if resource is None:
        raise SqlNotSupported("ALTER SCHEMA but SET OPTIONS")
    changed = dict(resource)
    if resource.get("labels"):
        changed["labels"] = {**dict.fromkeys(labels), **resource["labels"]}
    return changed


def _actions(tree: exp.Expr, value_of: ValueOf) -> list[Alteration]:
    from localgcp.bigquery.googlesql.alterations import alterations

    return alterations(tree, value_of)


def _options_of(tree: exp.Expr, value_of: ValueOf) -> dict[str, Any]:
    from localgcp.bigquery.googlesql.alterations import options

    return options(tree.args.get("properties"), value_of)


def _schema_name(tree: exp.Expr, kind: str, context: Context) -> tuple[str, str]:
    """The project and the dataset that the statement names. Raises InvalidQuery."""
    if kind == "ALTER_SCHEMA" or not tree.args.get("tables"):
        node = tree.this
    else:
        (node,) = tree.args["tables"]
    parts = [word for part in node.parts for word in part.name.split(".")]
    if not 1 <= len(parts) <= 2:
        raise InvalidQuery(f"Invalid schema name: {'.'.join(parts)}", "query")
    return parts[0] if len(parts) == 2 else context.project, parts[-1]
