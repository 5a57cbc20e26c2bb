"""2 · An event type comes in; its BigQuery table and view exist, in the right shape, afterwards."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.api_core.retry import Retry
from google.cloud import bigquery

from event_types.contract import Contract
from event_types.schema import Table
from services.table_manager.errors import DatasetNotFound, TooManyRaces
from services.table_manager.evolve import evolve

log = logging.getLogger(__name__)

# Short: whoever asked is tried again by Pub/Sub, with a backoff that all its instances share.
RETRY = Retry(timeout=5.0)
REQUEST_SECONDS = 5.0
RACES = 5
LABELS = {"managed_by": "table_manager"}


class Change(StrEnum):
    """What had to be done."""

    NONE = "none"
    CREATED = "created"
    EVOLVED = "evolved"


def ensure_table(
    client: bigquery.Client,
    dataset: str,
    table: Table,
    contract: Contract = Contract.EVOLVE,
    labels: Mapping[str, str] | None = None,
) -> Change:
    """Create the table in `dataset` (an id in the client's project) or bring it up to date.

    Safe when several do it at once: a creation that comes second finds the table there, and a
    change goes by the etag of what was read. Raises DatasetNotFound, TooManyRaces,
    IncompatibleTable, and the client's errors for what may be better later.
    """
    wanted = _described(client, dataset, table, {**LABELS, **(labels or {})})
    for _ in range(RACES):
        try:
            there = client.get_table(wanted.reference, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            if _create(client, wanted):
                return Change.CREATED
            continue  # Somebody else just did: look at what it is.
        fields = evolve(there, wanted, contract)
        if not fields:
            return Change.NONE
        if _update(client, there, fields):
            return Change.EVOLVED
    raise TooManyRaces(str(wanted.reference), RACES)


def ensure_view(client: bigquery.Client, dataset: str, table: Table) -> Change:
    """Create the view that shows each event once, or correct its query.

    The table must exist. Raises DatasetNotFound, TooManyRaces, and the client's errors.
    """
    reference = bigquery.DatasetReference(client.project, dataset).table(table.deduplicated_view)
    wanted = bigquery.Table(reference)
    wanted.view_query = table.deduplicated_sql(f"{client.project}.{dataset}")
    wanted.description = f"{table.description} Each event once: the newest row of every event_id."
    wanted.labels = LABELS
    for _ in range(RACES):
        try:
            there = client.get_table(reference, retry=RETRY, timeout=REQUEST_SECONDS)
        except NotFound:
            if _create(client, wanted):
                return Change.CREATED
            continue
        if there.view_query == wanted.view_query and _shows_all(client, there, table):
            return Change.NONE
        there.view_query = wanted.view_query
        if _update(client, there, ["view_query"]):
            return Change.EVOLVED
    raise TooManyRaces(str(reference), RACES)


def _shows_all(client: bigquery.Client, view: bigquery.Table, table: Table) -> bool:
    """Whether the view has all columns; it keeps those of its making until its query is set.

    What it lacks of the type's columns, a table under a frozen contract may lack itself.
    """
    shown = {column.name for column in view.schema}
    if shown >= {column.name for column in table.columns}:
        return True
    reference = bigquery.DatasetReference(view.project, view.dataset_id).table(table.name)
    there = client.get_table(reference, retry=RETRY, timeout=REQUEST_SECONDS)
    return shown >= {column.name for column in there.schema}


def _described(
    client: bigquery.Client, dataset: str, table: Table, labels: dict[str, str]
) -> bigquery.Table:
    reference = bigquery.DatasetReference(client.project, dataset).table(table.name)
    place = {"tableReference": reference.to_api_repr()}
    wanted = bigquery.Table.from_api_repr({**table.to_api(), **place})
    wanted.labels = labels
    return wanted


def _create(client: bigquery.Client, wanted: bigquery.Table) -> bool:
    """Whether it was created here, rather than by somebody at the same time."""
    try:
        client.create_table(wanted, retry=RETRY, timeout=REQUEST_SECONDS)
    except Conflict:
        return False
    except NotFound as error:
        raise DatasetNotFound(f"{wanted.project}.{wanted.dataset_id}") from error
    log.info("created %s", wanted.reference, extra=_fields(wanted))
    return True


def _update(client: bigquery.Client, table: bigquery.Table, fields: list[str]) -> bool:
    """Whether it was changed, rather than changed by somebody since it was read."""
    try:
        client.update_table(table, fields, retry=RETRY, timeout=REQUEST_SECONDS)
    except PreconditionFailed:
        return False
    log.info("changed %s of %s", fields, table.reference, extra=_fields(table))
    return True


def _fields(table: bigquery.Table) -> dict[str, Any]:
    return {"table": str(table.reference)}
