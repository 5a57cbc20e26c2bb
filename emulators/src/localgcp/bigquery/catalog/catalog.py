"""What exists: datasets and tables, held in memory to be asked often, on disk to be kept.

A table's settings and its DuckDB table are written in one transaction, so a kill leaves both or
neither. Readers take what the dictionaries hold; only a writer, under the store's lock, changes
them, and after its commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from localgcp.bigquery.catalog import dataset as datasets
from localgcp.bigquery.catalog import evolution, schema, stored_anew
from localgcp.bigquery.catalog import table as tables
from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.partitioning import PSEUDO, TimePartitioning
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import (
    DatasetExists,
    DatasetInUse,
    DatasetNotFound,
    EtagMismatch,
    NotATable,
    TableExists,
    TableNotFound,
)
from localgcp.bigquery.store import Store, Transaction

Clock = Callable[[], float]


class Part(Protocol):
    """What else belongs to datasets, and goes with them."""

    def holds(self, project: str, dataset: str) -> bool:
        """Whether a dataset has any."""

    def drop_in(self, tx: Transaction, project: str, dataset: str) -> None:
        """Delete those of a dataset, as part of a transaction."""


READS = ("copy", "extract", "list the rows of", "list the partitions of", "read")
_TOUCH_MS = 1000  # a write for every insert would cost as much as the insert
_NO_COLUMN = "_no_column BOOLEAN"
_SETUP = """
CREATE SCHEMA IF NOT EXISTS data.emulator;
CREATE TABLE IF NOT EXISTS data.emulator.datasets (id VARCHAR, resource VARCHAR);
CREATE TABLE IF NOT EXISTS data.emulator.tables (id VARCHAR, dataset VARCHAR, resource VARCHAR);
"""


class Catalog:
    """Datasets and tables by name. Every method may be called from any thread."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Load what the store holds; `clock` gives seconds since the epoch."""
        self._store, self._clock = store, clock
        self._datasets: dict[tuple[str, str], Dataset] = {}
        self._tables: dict[Name, Table] = {}
        self.parts: list[Part] = []
        with store.write() as tx:
            tx.db.execute(_SETUP)
            for (text,) in tx.db.execute("SELECT resource FROM data.emulator.datasets").fetchall():
                self._load_dataset(json.loads(text))
            for (text,) in tx.db.execute("SELECT resource FROM data.emulator.tables").fetchall():
                table = tables.load(json.loads(text))
                self._tables[table.name] = table
            stored_anew.bring_up(tx, self._tables.values())

    def _load_dataset(self, resource: dict[str, Any]) -> None:
        dataset = datasets.parse("", resource, int(resource["creationTime"]))
        dataset = replace(dataset, modified_ms=int(resource["lastModifiedTime"]))
        self._datasets[dataset.project, dataset.id] = dataset

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the clock."""
        return int(self._clock() * 1000)

    # Datasets

    def dataset(self, project: str, id_: str) -> Dataset:
        """The dataset of that name. Raises DatasetNotFound."""
        found = self._datasets.get((project, id_))
        if found is None:
            raise DatasetNotFound(project, id_)
        return found

    def list_datasets(self, project: str) -> list[Dataset]:
        """All datasets of a project, by id."""
        mine = (d for d in list(self._datasets.values()) if d.project == project)
        return sorted(mine, key=lambda dataset: dataset.id)

    def projects(self) -> list[str]:
        """The projects that have a dataset."""
        return sorted({project for project, _ in list(self._datasets)})

    def create_dataset(self, project: str, resource: Mapping[str, Any]) -> Dataset:
        """Make a dataset of the API's resource.

        Raises DatasetExists, and what `dataset.parse` raises.
        """
        new = datasets.parse(project, resource, self.now_ms())
        with self._store.write() as tx:
            if (new.project, new.id) in self._datasets:
                raise DatasetExists(new.project, new.id)
            tx.db.execute(f"CREATE SCHEMA data.{schema.quoted(_key(new))}")
            self._write_dataset(tx, new)
        return new

    def change_dataset(
        self, project: str, id_: str, resource: Mapping[str, Any], etag: str | None
    ) -> Dataset:
        """Patch a dataset.

        Raises DatasetNotFound, EtagMismatch, and what `dataset.apply` raises.
        """
        with self._store.write() as tx:
            old = self.dataset(project, id_)
            _check_etag(etag, old.etag)
            new = datasets.apply(old, resource, self.now_ms())
            self._write_dataset(tx, new)
        return new

    def has_parts(self, of: Iterable[Dataset]) -> bool:
        """Whether any of the datasets has something besides tables."""
        return any(part.holds(each.project, each.id) for each in of for part in self.parts)

    def delete_dataset(self, project: str, id_: str, contents: bool) -> None:
        """Delete a dataset, with its tables if `contents` says so.

        Raises DatasetNotFound, DatasetInUse.
        """
        with self._store.write() as tx:
            dataset = self.dataset(project, id_)
            names = [table.name for table in self.list_tables(project, id_)]
            if not contents and (names or any(part.holds(project, id_) for part in self.parts)):
                raise DatasetInUse(project, id_)
            for part in self.parts:
                part.drop_in(tx, project, id_)
            tx.db.execute(f"DROP SCHEMA data.{schema.quoted(_key(dataset))} CASCADE")
            tx.db.execute("DELETE FROM data.emulator.tables WHERE dataset = ?", [_key(dataset)])
            tx.db.execute("DELETE FROM data.emulator.datasets WHERE id = ?", [_key(dataset)])
            tx.after.extend(partial(self._tables.pop, name) for name in names)
            tx.after.append(partial(self._datasets.pop, (project, id_)))

    def _write_dataset(self, tx: Transaction, dataset: Dataset) -> None:
        row = [_key(dataset), json.dumps(dataset.to_resource())]
        tx.db.execute("DELETE FROM data.emulator.datasets WHERE id = ?", row[:1])
        tx.db.execute("INSERT INTO data.emulator.datasets VALUES (?, ?)", row)
        tx.after.append(partial(self._datasets.__setitem__, (dataset.project, dataset.id), dataset))

    # Tables

    def table(self, name: Name) -> Table:
        """The table of that name. Raises DatasetNotFound, TableNotFound."""
        found = self._tables.get(name)
        if found is None:
            self.dataset(name.project, name.dataset)
            raise TableNotFound(name.project, name.dataset, name.table)
        return found

    def has(self, name: Name) -> bool:
        """Whether there is a table of that name."""
        return name in self._tables

    def rows_of(self, name: Name, action: str) -> Table:
        """The table, which must have rows of its own, and take what changes them.

        Raises NotATable naming the action, which READS tells from those that change rows.
        """
        table = self.table(name)
        if table.is_view or (table.snapshot is not None and action not in READS):
            raise NotATable(str(name), action, "snapshot" if table.snapshot else "view")
        return table

    def list_tables(self, project: str, dataset: str) -> list[Table]:
        """All tables and views of a dataset, by id. Raises DatasetNotFound."""
        self.dataset(project, dataset)
        wanted = (project, dataset)
        mine = (t for n, t in list(self._tables.items()) if (n.project, n.dataset) == wanted)
        return sorted(mine, key=lambda table: table.name.table)

    def all_tables(self) -> list[Table]:
        """Every table of every project."""
        return list(self._tables.values())

    def new_table(self, project: str, dataset: str, resource: Mapping[str, Any]) -> Table:
        """A table not yet made, with what its dataset hands down. Raises DatasetNotFound."""
        parent = self.dataset(project, dataset)
        table = tables.parse(project, dataset, resource, self.now_ms())
        if table.expiration_ms is None and parent.table_expiration_ms and not table.is_view:
            table = replace(table, expiration_ms=table.created_ms + parent.table_expiration_ms)
        part = table.partitioning
        if isinstance(part, TimePartitioning) and part.expiration_ms is None:
            part = replace(part, expiration_ms=parent.partition_expiration_ms)
            table = replace(table, partitioning=part)
        return table

    def create_table(self, table: Table) -> Table:
        """Make a table. Raises TableExists, DatasetNotFound. Of two at once exactly one wins."""
        with self._store.write() as tx:
            self.create_in(tx, table)
        return table

    def create_in(self, tx: Transaction, table: Table, replacing: bool = False) -> None:
        """Create as part of a transaction, which may have deleted the old one (`replacing`).

        Raises TableExists, DatasetNotFound.
        """
        self.dataset(table.name.project, table.name.dataset)
        if table.name in self._tables and not replacing:
            raise TableExists(table.name.project, table.name.dataset, table.name.table)
        if not table.is_view:
            self.make_rows(tx, table)
        self.write_table(tx, table)

    def make_rows(self, tx: Transaction, table: Table) -> None:
        """Make the empty DuckDB table as part of a transaction."""
        columns = [schema.column_ddl(field) for field in table.fields]
        part = table.partitioning
        # DuckDB has no table without columns; BigQuery has, until its schema is set.
        columns = columns or [_NO_COLUMN]
        if isinstance(part, TimePartitioning) and part.is_ingestion:
            columns.append(f"{PSEUDO} TIMESTAMPTZ DEFAULT date_trunc('{part.unit}', now())")
        tx.db.execute(f"CREATE TABLE {table.name.sql} ({', '.join(columns)})")

    def change_table(self, name: Name, resource: Mapping[str, Any], etag: str | None) -> Table:
        """Patch settings and schema. Raises TableNotFound, EtagMismatch, SchemaChangeRefused."""
        with self._store.write() as tx:
            old = self.table(name)
            _check_etag(etag, old.etag)
            fields = tables.patched_fields(old, resource)
            if old.snapshot is not None and fields != old.fields:
                raise NotATable(str(name), "change the schema of", "snapshot")
            if not old.is_view:
                self._alter(tx, old, fields)
            new = tables.apply(replace(old, fields=fields), resource, self.now_ms())
            self.write_table(tx, new)
        return new

    def set_policy(
        self, name: Name, policy: dict[str, Any], check: Callable[[Mapping[str, Any]], None]
    ) -> Table:
        """Keep an IAM policy, if `check` lets today's go. Raises TableNotFound, what it raises."""
        with self._store.write() as tx:
            old = self.table(name)
            check(old.policy)
            new = replace(old, policy=policy)
            self.write_table(tx, new)
        return new

    def alter_in(self, tx: Transaction, old: Table, fields: tuple[schema.Field, ...]) -> Table:
        """The table with these columns, as part of a transaction. Raises SchemaChangeRefused."""
        if fields == old.fields:
            return old
        self._alter(tx, old, fields)
        return replace(old, fields=fields)

    def _alter(self, tx: Transaction, old: Table, fields: tuple[schema.Field, ...]) -> None:
        for change in evolution.evolve(str(old.name), old.fields, fields):
            tx.db.execute(f"ALTER TABLE {old.name.sql} {change.clause}")
        if fields and not old.fields:
            tx.db.execute(f"ALTER TABLE {old.name.sql} DROP COLUMN {_NO_COLUMN.split()[0]}")

    def delete_table(self, name: Name) -> None:
        """Delete a table. Raises TableNotFound."""
        with self._store.write() as tx:
            self.delete_in(tx, self.table(name))

    def delete_in(self, tx: Transaction, table: Table) -> None:
        """Delete as part of a transaction."""
        if not table.is_view:
            tx.db.execute(f"DROP TABLE {table.name.sql}")
        tx.db.execute("DELETE FROM data.emulator.tables WHERE id = ?", [str(table.name)])
        tx.after.append(partial(self._tables.pop, table.name, None))

    def rename_in(self, tx: Transaction, table: Table, id_: str) -> Table:
        """Another name in the same dataset, as part of a transaction. Raises TableExists."""
        name = replace(table.name, table=id_)
        if name in self._tables:
            raise TableExists(name.project, name.dataset, name.table)
        tables.check_id(id_)
        tx.db.execute(f"ALTER TABLE {table.name.sql} RENAME TO {schema.quoted(id_)}")
        tx.db.execute("DELETE FROM data.emulator.tables WHERE id = ?", [str(table.name)])
        tx.after.append(partial(self._tables.pop, table.name, None))
        renamed = replace(table, name=name, modified_ms=self.now_ms())
        self.write_table(tx, renamed)
        return renamed

    def write_table(self, tx: Transaction, table: Table) -> None:
        """Keep a table's settings as part of a transaction."""
        name = table.name
        row = [str(name), f"{name.project}:{name.dataset}", json.dumps(table.kept())]
        tx.db.execute("DELETE FROM data.emulator.tables WHERE id = ?", row[:1])
        tx.db.execute("INSERT INTO data.emulator.tables VALUES (?, ?, ?)", row)
        tx.after.append(partial(self._tables.__setitem__, name, table))

    def touch(self, tx: Transaction, table: Table) -> None:
        """Note that its rows have changed, to the second, as part of a transaction."""
        current, now = self.table(table.name), self.now_ms()
        if now - current.modified_ms >= _TOUCH_MS:
            self.write_table(tx, replace(current, modified_ms=now))


def _key(dataset: Dataset) -> str:
    return f"{dataset.project}:{dataset.id}"


def _check_etag(wanted: str | None, current: str) -> None:
    if wanted not in (None, "*", current):
        raise EtagMismatch(str(wanted), current)
