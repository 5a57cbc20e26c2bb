"""tabledata.insertAll: all rows checked, repeats dropped, the rest in one durable transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import (
    FUTURE_DAYS,
    PAST_DAYS,
    day_micros,
    streamable,
)
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import NoRows, TooManyRows
from localgcp.bigquery.rows.appending import append, to_arrow
from localgcp.bigquery.rows.insert_ids import InsertIds
from localgcp.bigquery.rows.reader import RowError, compile_reader
from localgcp.bigquery.store import Store

MAX_ROWS = 50_000  # Quotas, "Streaming inserts": maximum rows per request

_reader = lru_cache(maxsize=256)(compile_reader)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the request: the client's id for it, if it gave one, and its JSON object."""

    insert_id: str | None
    values: object


@dataclass(frozen=True, slots=True)
class InsertError:
    """Why a row was not inserted; reason is `invalid`, or `stopped` by another row's fault."""

    index: int
    reason: str
    location: str = ""
    message: str = ""


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
        self, name: Name, rows: list[Row], *, skip_invalid: bool, ignore_unknown: bool
    ) -> list[InsertError]:
        """Insert and return what was refused; [] means that all rows are stored.

        Without `skip_invalid` one bad row stops all. Raises TableNotFound, NotATable, NoRows,
        TooManyRows.
        """
        if not rows:
            raise NoRows
        if len(rows) > MAX_ROWS:
            raise TooManyRows(len(rows), MAX_ROWS)
        while True:
            table = self._catalog.rows_of(name, "stream into")
            good, errors = self._check(table, rows, ignore_unknown)
            if errors and not skip_invalid:
                bad = {error.index for error in errors}
                stopped = (InsertError(i, "stopped") for i in range(len(rows)) if i not in bad)
                return sorted([*errors, *stopped], key=lambda error: error.index)
            if not good or self._store_rows(table, good):
                return errors

    def _check(
        self, table: Table, rows: list[Row], ignore_unknown: bool
    ) -> tuple[list[tuple[Row, dict[str, Any]]], list[InsertError]]:
        reader = _reader(table.fields, ignore_unknown)
        bounds = _Bounds(table, datetime.fromtimestamp(self._clock(), UTC))
        good, errors = [], []
        for index, row in enumerate(rows):
            try:
                if not isinstance(row.values, dict):
                    raise RowError("", "A row's json is an object.")
                values = reader.read(row.values)
                bounds.check(values)
            except RowError as error:
                errors.append(InsertError(index, "invalid", error.location, error.message))
            else:
                good.append((row, values))
        return good, errors

    def _store_rows(self, table: Table, good: list[tuple[Row, dict[str, Any]]]) -> bool:
        """Whether they are stored; False when the table's schema changed after the check."""
        with self._store.write() as tx:
            if self._catalog.rows_of(table.name, "stream into").fields != table.fields:
                return False
            verdicts = self._ids.fresh(table, (row.insert_id for row, _ in good))
            new = [pair for pair, fresh in zip(good, verdicts, strict=True) if fresh]
            if new:
                size = append(tx, table.name, to_arrow(table.fields, [v for _, v in new]))
                ids = [row.insert_id for row, _ in new if row.insert_id is not None]
                self._ids.remember(tx, table, ids)
                self._catalog.touch(tx, table)
                tx.after.append(lambda: self._sizes.add(table, size))
        return True


class _Bounds:
    """The days that may be streamed to (Streaming data into partitioned tables)."""

    def __init__(self, table: Table, now: datetime) -> None:
        self._table = table
        self._column = table.partitioning.column if table.partitioning else None
        self._first, self._last = streamable(now.date())

    def check(self, values: dict[str, Any]) -> None:
        """Look whether a row's day may be streamed to.

        Raises RowError for a partition that is too old or too far ahead.
        """
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
