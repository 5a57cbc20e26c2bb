"""Extract jobs: the rows of a table, or of a query's result, into objects of Cloud Storage.

Source: Exporting table data. A URI with a wildcard gives as many objects as the rows need, numbered
by twelve digits; one without takes all of them, up to 1 GB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import Invalid
from localgcp.bigquery.jobs import extract_files
from localgcp.bigquery.jobs.extract_files import Form
from localgcp.bigquery.jobs.objects import Objects, Uri
from localgcp.bigquery.rows.partition import check, within
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

MAX_SINGLE = 1_000_000_000  # logical bytes: "up to 1 GB of table data to a single file"
SHARD_BYTES = 64 * 1024 * 1024
_BATCH = 10_000

Held = Callable[[Name], "tuple[Table, pa.Table]"]


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract: which rows go where, and in what form; `partition` is an id like 20240115."""

    project: str
    source: Name
    uris: tuple[Uri, ...]
    form: Form
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extract came to: how many objects of each URI, and the logical bytes read."""

    files: tuple[int, ...]
    read_bytes: int


class Extracts:
    """Extracts tables."""

    def __init__(
        self, store: Store, catalog: Catalog, sizes: Sizes, objects: Objects, held: Held
    ) -> None:
        """`held` finds a result that is kept with its job."""
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._objects, self._held = objects, held

    def run(self, extract: Extract) -> Extracted:
        """Write the objects. Raises NotFound, NotATable, Invalid and its kin, Unavailable."""
        if extract.source.is_anonymous:
            table, rows = self._held(extract.source)
            size = int(rows.nbytes)
            self._check(extract, table.fields, size)
            counts = self._write(extract, table.fields, iter(rows.to_batches(_BATCH)))
            return Extracted(counts, size)
        table = self._catalog.rows_of(extract.source, "extract")
        check(extract.partition, table.partitioning)
        size = self._sizes.bytes(table)
        self._check(extract, table.fields, size)
        columns = ", ".join(quoted(column.name) for column in table.fields) or "NULL"
        where = within(extract.partition, table.partitioning)
        with self._store.read() as db:
            query = f"SELECT {columns} FROM {table.name.sql} WHERE {where}"
            counts = self._write(extract, table.fields, db.sql(query).to_arrow_reader(_BATCH))
        return Extracted(counts, size)

    def _check(self, extract: Extract, fields: tuple[Field, ...], size: int) -> None:
        if not fields:
            raise Invalid(f"Cannot extract {extract.source}: it has no schema")
        if size > MAX_SINGLE and not all("*" in uri.name for uri in extract.uris):
            raise Invalid(
                f"Table {extract.source} too large to be exported to a single file. Specify a uri"
                " including a * to shard export. See 'Exporting data into one or more files' in the"
                " documentation.",
                "extract.destinationUris",
            )
        extract_files.check(extract.form, fields)

    def _write(
        self, extract: Extract, fields: tuple[Field, ...], batches: Iterator[pa.RecordBatch]
    ) -> tuple[int, ...]:
        """The rows in shards, each to the next URI in turn; at least one of each."""
        counts = [0] * len(extract.uris)
        sharded = all("*" in uri.name for uri in extract.uris)
        shards = _shards(batches) if sharded else iter([list(batches)])
        for number, shard in enumerate(shards):
            self._put(extract, fields, shard, number % len(counts), counts)
        for place, count in enumerate(counts):
            if not count:  # too few rows for each to have some
                self._put(extract, fields, [], place, counts)
        return tuple(counts)

    def _put(
        self,
        extract: Extract,
        fields: tuple[Field, ...],
        batches: list[pa.RecordBatch],
        place: int,
        counts: list[int],
    ) -> None:
        written = extract_files.write(extract.form, fields, batches)
        uri = extract.uris[place].at(f"{counts[place]:012}")
        self._objects.write(uri, written.data, written.content_type)
        counts[place] += 1


def _shards(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    shard: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        shard.append(batch)
        size += batch.nbytes
        if size >= SHARD_BYTES:
            yield shard
            shard, size = [], 0
    if shard:
        yield shard
