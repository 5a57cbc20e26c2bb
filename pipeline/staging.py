"""3 · What a replay has made stands in tables of its own; it replaces a span of the real ones.

One transaction deletes the span of each table and inserts what was made anew, all or nothing: no
reader meets a gap, and a replay that is repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

from google.cloud import bigquery

from event_types.base import EventType
from event_types.contract import Contract, contract_of
from event_types.dead_letter import DEAD_LETTER_TABLE
from event_types.render import ddl, deduplicated_ddl
from event_types.schema import Column, Table
from pipeline.raw import Span

KEPT_MS = 24 * 3600 * 1000
"""What a replay that was killed leaves is gone after a day."""


class NotYet(Exception):
    """A table can't hold what would be replayed into it."""

    def __init__(self, table: str, columns: Iterable[str]) -> None:
        super().__init__(
            f"table {table} lacks {', '.join(columns)}: an event with a value for it has the table "
            "manager add it; replay after that"
        )


class Staging:
    """A dataset for one replay: tables by the names of the real ones, and their columns."""

    def __init__(
        self,
        client: bigquery.Client,
        dataset: str,
        event_types: tuple[EventType, ...],
        default: str,
    ) -> None:
        self._client, self._dataset, self._event_types = client, dataset, event_types
        self._default = Contract(default)
        self.name = f"{dataset}_replay_{uuid4().hex[:12]}"
        """The dataset of the replay's own tables."""

    def create(self) -> None:
        """Make the real tables where they are gone, and one like each. Raises NotYet."""
        labels = self._client.get_dataset(self._dataset).labels
        made = bigquery.Dataset(f"{self._client.project}.{self.name}")
        made.default_table_expiration_ms = KEPT_MS
        made.labels = dict(labels)  # with them come the contracts
        here = f"{self._client.project}.{self._dataset}"
        for each in self._event_types:
            self._client.query_and_wait(ddl(each.layout, here))
            self._client.query_and_wait(deduplicated_ddl(each.layout, here))
            there = self._client.get_table(f"{here}.{each.table}")
            lacks = list(_lacks(each.layout.columns, there.schema))
            if lacks and contract_of(labels, each.name, self._default) is Contract.EVOLVE:
                raise NotYet(each.table, lacks)
        self._client.query_and_wait(ddl(DEAD_LETTER_TABLE, here))
        self._client.create_dataset(made)
        for table in self._tables():
            like = self._client.get_table(f"{here}.{table.name}")
            reference = f"{self._client.project}.{self.name}.{table.name}"
            self._client.create_table(bigquery.Table(reference, schema=like.schema))

    def replace(self, span: Span) -> dict[str, int]:
        """Put what stands here in the place of a span of each table; gives each one's rows."""
        parameters: list[bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter] = [
            bigquery.ScalarQueryParameter("since", "TIMESTAMP", span.since),
            bigquery.ScalarQueryParameter("until", "TIMESTAMP", span.until),
        ]
        statements: list[str] = []
        counts: dict[str, int] = {}
        for table, moment in self._columns():
            counts[table.name], outside = self._made(table, moment, parameters[:2])
            # A mended dead letter was published in the span, and may have happened at any time.
            parameters.append(bigquery.ArrayQueryParameter(f"{table.name}_ids", "STRING", outside))
            statements += self._statements(table, moment)
        self._client.query_and_wait(
            "\n".join(["BEGIN TRANSACTION;", *statements, "COMMIT TRANSACTION;"]),
            job_config=bigquery.QueryJobConfig(query_parameters=parameters),
        )
        return counts

    def drop(self) -> None:
        """Forget it."""
        self._client.delete_dataset(self.name, delete_contents=True, not_found_ok=True)

    def _columns(self) -> Iterator[tuple[Table, str]]:
        """Each table, and the column that a span is of."""
        for each in self._event_types:
            yield each.layout, each.event_time
        yield DEAD_LETTER_TABLE, DEAD_LETTER_TABLE.partition_by

    def _tables(self) -> Iterator[Table]:
        return (table for table, _ in self._columns())

    def _made(
        self, table: Table, moment: str, span: Sequence[bigquery.ScalarQueryParameter]
    ) -> tuple[int, list[str]]:
        """How many events a table here has, and the ids of those that happened outside the span."""
        made = self._here(table)
        (count,) = self._client.query_and_wait(f"SELECT COUNT(DISTINCT event_id) FROM {made}")
        outside = self._client.query_and_wait(
            f"SELECT DISTINCT event_id FROM {made} WHERE {moment} < @since OR {moment} >= @until",
            job_config=bigquery.QueryJobConfig(query_parameters=span),
        )
        return int(count[0]), [event_id for (event_id,) in outside]

    def _statements(self, table: Table, moment: str) -> tuple[str, str]:
        """What puts a table's rows into the real one, in the place of a span's."""
        real = f"`{self._client.project}.{self._dataset}.{table.name}`"
        newest = "publish_time DESC" + (
            "" if table is DEAD_LETTER_TABLE else ", processed_timestamp DESC"
        )
        return (
            f"DELETE FROM {real} WHERE ({moment} >= @since AND {moment} < @until) "
            f"OR event_id IN UNNEST(@{table.name}_ids);",
            f"INSERT INTO {real} SELECT * FROM {self._here(table)} WHERE TRUE "
            f"QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY {newest}) = 1;",
        )

    def _here(self, table: Table) -> str:
        return f"`{self._client.project}.{self.name}.{table.name}`"


def _lacks(
    wanted: tuple[Column, ...], there: Iterable[bigquery.SchemaField], path: str = ""
) -> Iterator[str]:
    """The columns that a table lacks, by dotted path."""
    by_name = {field.name.lower(): field for field in there}
    for column in wanted:
        field = by_name.get(column.name.lower())
        if field is None:
            yield path + column.name
        else:
            yield from _lacks(column.fields, field.fields, f"{path}{column.name}.")
