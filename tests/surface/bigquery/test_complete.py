from __future__ import annotations

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import dbapi
from google.cloud.bigquery.dataset import DatasetListItem
from google.cloud.bigquery.job.base import _AsyncJob
from google.cloud.bigquery.table import RowIterator, TableListItem

from tests.surface.introspect import Owner, uncovered

OWNERS: tuple[Owner, ...] = (
    bigquery.Client,
    _AsyncJob,
    bigquery.QueryJob,
    bigquery.LoadJob,
    bigquery.CopyJob,
    bigquery.ExtractJob,
    bigquery.Table,
    bigquery.TableReference,
    TableListItem,
    bigquery.Dataset,
    bigquery.DatasetReference,
    DatasetListItem,
    bigquery.ModelReference,
    bigquery.RoutineReference,
    RowIterator,
    bigquery.Row,
    dbapi,
    dbapi.Connection,
    dbapi.Cursor,
)


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_every_public_name_has_a_case(owner: Owner) -> None:
    assert uncovered(owner, "tests.surface.bigquery") == []
