"""tabledata.insertAll: all rows checked, repeats dropped, the rest in one durable transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import (
    DECORATED_FUTURE,
    DECORATED_PAST,
    FUTURE_DAYS,
    PAST_DAYS,
    TimePartitioning,
    day_micros,
    decoratable,
    streamable,
)
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import Invalid, NoRows, TooManyRows
from localgcp.bigquery.rows.appending import append, to_arrow
from localgcp.bigquery.rows.batch import Unfit, compile_batch
from localgcp.bigquery.rows.insert_ids import InsertIds
from localgcp.bigquery.rows.partition import belonging, stamped
from localgcp.bigquery.rows.reader import RowError, compile_reader
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 50_000  # Quotas, "Streaming inserts": maximum rows per request

_reader = lru_cache(maxsize=256)(compile_reader)
_batch_reader = lru_cache(maxsize=256)(compile_batch)


class Row(NamedTuple):
    """One row of the request: the client's id for it, if it gave one, and its JSON object."""

    insert_id: str | None
    values: object


@dataclass(frozen=True, slots=True)
class InsertError:
    """Why a row was not inserted.

    The reason is `invalid`, `stopped` by another row's, or `backendError` by a fault on purpose.
    """

    index: int
    reason: str
    location: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Good:
    """Rows to store, and the id of each."""

    ids: list[str | None]
    batch: pa.Table

    def only(self, verdicts: list[bool]) -> _Good:
        """Those that are fresh."""
        if all(verdicts):
            return self
        ids = [id_ for id_, fresh in zip(self.ids, verdicts, strict=True) if fresh]
        return _Good(ids, self.batch.filter(verdicts))


class Streaming:
    """The streaming insert into any table."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        sizes: Sizes,
        clock: Callable[[], float],
        insert_ids: InsertIds,
    ) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._clock, self._ids = clock, insert_ids

    def insert_all(
        self,
        name: Name,
        rows: list[Row],
        *,
        skip_invalid: bool,
        ignore_unknown: bool,
        partition: str | None = None,
    ) -> list[InsertError]:
        """Insert and return what was refused; [] means that all rows are stored.

        Without `skip_invalid` one bad row stops all. `partition` is where all of them belong.
        Raises TableNotFound, NotATable, NoRows, TooManyRows, and Invalid or BadValue for a
        partition that takes none.
        """
        if not rows:
            raise NoRows
        if len(rows) > MAX_ROWS:
            raise TooManyRows(len(rows), MAX_ROWS)
        while True:
            table = self._catalog.rows_of(name, "stream into")
            bounds = _Bounds(table, datetime.fromtimestamp(self._clock(), UTC), partition)
            good, errors = self._read(table, rows, ignore_unknown, bounds)
            if errors and not skip_invalid:
                bad = {error.index for error in errors}
                stopped = (InsertError(i, "stopped") for i in range(len(rows)) if i not in bad)
                return sorted([*errors, *stopped], key=lambda error: error.index)
            if not good.ids or self._store_rows(table, good, partition):
                return errors

    def _read(
        self, table: Table, rows: list[Row], ignore_unknown: bool, bounds: _Bounds
    ) -> tuple[_Good, list[InsertError]]:
        """The good rows, and what is wrong with the others: all at once, else one by one."""
        try:
            batch = _batch_reader(table.fields, ignore_unknown).table([row[1] for row in rows])
            bounds.check_all(batch)
        except Unfit:
            return self._read_each(table, rows, ignore_unknown, bounds)
        return _Good([row[0] for row in rows], batch), []

    def _read_each(
        self, table: Table, rows: list[Row], ignore_unknown: bool, bounds: _Bounds
    ) -> tuple[_Good, list[InsertError]]:
        reader = _reader(table.fields, ignore_unknown)
        good, ids, errors = [], [], []
        for index, row in enumerate(rows):
            try:
                if not isinstance(row.values, dict):
                    raise RowError("", "A row's json is an object.")
                values = reader.read(row.values)
                bounds.check(values)
            except RowError as error:
                errors.append(InsertError(index, "invalid", error.location, error.message))
            else:
                good.append(values)
                ids.append(row.insert_id)
        return _Good(ids, to_arrow(table.fields, good)), errors

    def _store_rows(self, table: Table, good: _Good, partition: str | None) -> bool:
        """Whether they are stored; False when the table's schema changed after the check."""
        with self._store.write() as tx:
            if self._catalog.rows_of(table.name, "stream into").fields != table.fields:
                return False
            new = good.only(self._ids.fresh(table, good.ids))
            if new.ids:
                batch = stamped(new.batch, partition, table.partitioning)
                size = append(tx, table.name, batch)
                self._ids.remember(tx, table, [id_ for id_ in new.ids if id_ is not None])
                self._catalog.touch(tx, table)
                tx.after.append(lambda: self._sizes.add(table, size))
        return True


class _Bounds:
    """What may be streamed to a table, or to one partition of it."""

    def __init__(self, table: Table, now: datetime, partition: str | None) -> None:
        """By the time now. Raises BadValue for no partition, Invalid for one out of reach."""
        self._table, self._partition = table, partition
        part = table.partitioning
        self._belongs = belonging(partition, part)
        self._anywhere = part is not None and part.is_ingestion
        timed = isinstance(part, TimePartitioning) and not part.is_ingestion
        self._column = part.column if part is not None and timed else None
        self._first, self._last = streamable(now.date())
        start = part.start_of(partition) if part and partition and part.is_ingestion else None
        if start is not None and not decoratable(start.date(), now.date()):
            raise Invalid(
                f"The destination table's partition {table.name.table}${partition} is outside the"
                f" allowed bounds. You can only stream to partitions within {DECORATED_PAST} days"
                f" in the past and {DECORATED_FUTURE} days in the future relative to the current"
                " date."
            )

    def check_all(self, batch: pa.Table) -> None:
        """Look whether all rows may be streamed. Raises Unfit where one may not, or is unsure."""
        if self._partition is not None and not self._anywhere:
            raise Unfit
        if self._column is None or not batch.num_rows:
            return
        import pyarrow as pa
        import pyarrow.compute as pc

        ends = pc.min_max(batch.column(self._column).cast(pa.timestamp("us"))).as_py()
        if ends["min"] is None:
            return
        if not self._first <= ends["min"].date() <= ends["max"].date() <= self._last:
            raise Unfit

    def check(self, values: dict[str, Any]) -> None:
        """Look whether a row may be streamed to where it belongs.

        Raises RowError for a partition that is too old or too far ahead, or that is another one.
        Source: Streaming data into partitioned tables.
        """
        if self._partition is not None:
            try:
                self._belongs(values)
            except Invalid as error:
                raise RowError("", error.message) from error
        value = values[self._column] if self._column else None
        if value is None:
            return
        day, micros = day_micros(value)
        if not self._first <= day <= self._last:
            raise RowError(
                "",
                f"Value {micros} for partition column {self._column} of the destination table"
                f" {self._table.name} is outside the allowed bounds. You can only stream to"
                f" partitions of date range within {PAST_DAYS} days in the past and {FUTURE_DAYS}"
                " days in the future relative to the current date.",
            )
