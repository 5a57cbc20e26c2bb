"""What has expired goes: whole tables by expirationTime, partitions by their expirationMs."""

from __future__ import annotations

from datetime import UTC, datetime

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import TimePartitioning, oldest_kept
from localgcp.bigquery.catalog.schema import quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import TableNotFound
from localgcp.bigquery.store import Store

SWEEP_EVERY_S = 30.0


class Expiry:
    """Deletes what is past its time; BigQuery promises no sooner, and soon after."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes

    def sweep(self) -> None:
        """Delete all that has expired by the catalog's clock."""
        now_ms = self._catalog.now_ms()
        for table in self._catalog.all_tables():
            try:
                if table.expiration_ms is not None and table.expiration_ms <= now_ms:
                    self._catalog.delete_table(table.name)
                    self._sizes.forget(table)
                elif table.partitioning is not None and table.partitioning.expiration_ms:
                    self._sweep_partitions(table, now_ms)
            except TableNotFound:
                continue  # deleted meanwhile

    def _sweep_partitions(self, table: Table, now_ms: int) -> None:
        part = table.partitioning
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        limit = oldest_kept(part, now) if part is not None else None
        if not isinstance(part, TimePartitioning) or limit is None:
            return
        # A partition expires so long after its own start.
        start = f"date_trunc('{part.unit}', CAST({quoted(part.column)} AS TIMESTAMP))"
        condition = f"{start} < ?"
        with self._store.write() as tx:
            self._catalog.table(table.name)
            row = tx.db.execute(
                f"DELETE FROM {table.name.sql} WHERE {condition}", [limit.replace(tzinfo=None)]
            ).fetchone()
            if row and row[0]:
                self._catalog.touch(tx, table)
                tx.after.append(lambda: self._sizes.forget(table))
