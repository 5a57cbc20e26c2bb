"""All ways to read a result give the same rows, and a result is a table for a day."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from localgcp import environment
from localgcp.bigquery.errors import TableNotFound
from localgcp.bigquery.jobs.anonymous import AnonymousTables, name_of
from localgcp.bigquery.jobs.held import RESULT_KEPT_MS
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service
from tests.emulators.bigquery.conftest import PROJECT

MOMENT = datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)
SQL = """
SELECT n, TIMESTAMP '2024-01-15 10:30:00.123456+00' AS moment, [STRUCT(n AS m)] AS items
FROM UNNEST(GENERATE_ARRAY(1, 5)) AS n ORDER BY n
"""
ROWS = [(n, MOMENT, [{"m": n}]) for n in range(1, 6)]

Rows = list[tuple[Any, ...]]


def _listed(rows: Any) -> Rows:
    return [tuple(row) for row in rows]


def _arrow(table: Any) -> Rows:
    return [tuple(row.values()) for row in table.to_pylist()]


WAYS: dict[str, Callable[[bigquery.Client], Rows]] = {
    "result": lambda client: _listed(client.query(SQL).result()),
    "iterate": lambda client: _listed(client.query(SQL)),
    "pages": lambda client: _listed(client.query(SQL).result(page_size=2)),
    "get_job": lambda client: _listed(client.get_job(client.query(SQL).job_id).result()),
    "to_arrow": lambda client: _arrow(client.query(SQL).to_arrow()),
    "result_to_arrow": lambda client: _arrow(client.query(SQL).result().to_arrow()),
    "query_and_wait": lambda client: _listed(client.query_and_wait(SQL)),
    "api_method": lambda client: _listed(client.query(SQL, api_method="QUERY").result()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_rows(client: bigquery.Client, way: str) -> None:
    assert WAYS[way](client) == ROWS


def test_part_of_a_result(client: bigquery.Client) -> None:
    job = client.query(SQL)
    assert _listed(job.result(start_index=3)) == ROWS[3:]
    assert _listed(job.result(start_index=9)) == []
    assert _listed(job.result(max_results=2)) == ROWS[:2]
    assert _listed(client.get_job(job.job_id).result(start_index=1, page_size=2)) == ROWS[1:]
    assert _listed(client.query("SELECT 1 FROM UNNEST([1]) WHERE FALSE").result()) == []


def test_the_destination_of_a_query_is_a_table(client: bigquery.Client) -> None:
    job = client.query(SQL)
    job.result()
    destination = job.destination
    assert destination.dataset_id.startswith("_")
    assert destination.table_id.startswith("anon")
    table = client.get_table(destination)
    assert table.num_rows == 5
    assert table.expires is not None
    assert [field.name for field in table.schema] == ["n", "moment", "items"]
    assert _listed(client.list_rows(table)) == ROWS
    assert _listed(client.list_rows(table, start_index=1, max_results=2)) == ROWS[1:3]
    assert _listed(client.list_rows(table, selected_fields=table.schema[:1])) == [
        (n,) for n in range(1, 6)
    ]
    with pytest.raises(NotFound, match="anonymous"):
        client.get_table(f"{destination.dataset_id}.anonymous")
    with pytest.raises(BadRequest, match="not supported by the emulator: a query over the anon"):
        client.query_and_wait(f"SELECT * FROM `{destination}`")


def test_the_anonymous_dataset_is_hidden(client: bigquery.Client, dataset: str) -> None:
    client.create_dataset("_of_mine")
    assert "_of_mine" not in [item.dataset_id for item in client.list_datasets()]
    assert list(client.list_tables("_of_mine")) == []
    job = client.query(SQL)
    job.result()
    hidden = job.destination.dataset_id
    assert hidden not in [item.dataset_id for item in client.list_datasets()]
    assert {hidden, dataset} <= {item.dataset_id for item in client.list_datasets(include_all=True)}
    assert client.get_dataset(hidden).dataset_id == hidden
    assert job.destination in [item.reference for item in client.list_tables(hidden)]


def test_a_statement_without_rows_names_the_table_it_changed(
    client: bigquery.Client, dataset: str
) -> None:
    made = client.query(f"CREATE TABLE {dataset}.t AS SELECT 1 AS a")
    assert _listed(made.result()) == []
    assert made.destination.table_id == "t"
    changed = client.query(f"UPDATE {dataset}.t SET a = 2 WHERE TRUE")
    assert changed.result().num_dml_affected_rows == 1
    assert changed.destination.table_id == "t"


def test_a_result_in_a_table_is_read_from_it(client: bigquery.Client, dataset: str) -> None:
    config = bigquery.QueryJobConfig(destination=f"{PROJECT}.{dataset}.out")
    job = client.query(SQL, job_config=config)
    assert _listed(job.result()) == ROWS
    client.delete_table(job.destination)
    with pytest.raises(NotFound, match="out"):
        list(client.get_job(job.job_id).result())


def _get(client: bigquery.Client, path: str) -> dict[str, Any]:
    url = f"{client._connection.API_BASE_URL}/bigquery/v2/projects/{PROJECT}{path}"
    with urllib.request.urlopen(url) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_a_result_is_sent_whole_to_who_waits_for_its_end(client: bigquery.Client) -> None:
    """The client waits with maxResults=0, and takes `rows`, even none, for the first page."""
    job = client.query(SQL)
    job.result()
    answer = _get(client, f"/queries/{job.job_id}?maxResults=0")
    assert [row["f"][0]["v"] for row in answer["rows"]] == ["1", "2", "3", "4", "5"]
    assert answer["rows"][0]["f"][1]["v"] == "1705314600123456"
    assert (answer["jobComplete"], answer["totalRows"]) == (True, "5")
    assert "pageToken" not in answer
    for place in ("startIndex=0", "startIndex=2", "pageToken=2"):
        answer = _get(client, f"/queries/{job.job_id}?maxResults=0&{place}")
        assert not {"rows", "pageToken"} & set(answer), place
        assert answer["totalRows"] == "5"


def test_a_result_too_long_for_one_answer_comes_by_pages(
    client: bigquery.Client, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if environment.kind() != "embedded":
        pytest.skip("sets a limit of the emulator's, which runs in another process here")
    for limit in ("job_calls", "whole"):
        monkeypatch.setattr(f"localgcp.bigquery.rest.{limit}.MAX_WHOLE_BYTES", 100)
        for target in (None, f"{PROJECT}.{dataset}.{limit}"):
            config = bigquery.QueryJobConfig(destination=target)
            job = client.query(SQL, job_config=config)
            assert _listed(job.result()) == ROWS
            answer = _get(client, f"/queries/{job.job_id}?maxResults=0")
            assert not {"rows", "pageToken"} & set(answer)
        assert _listed(client.query_and_wait(SQL)) == ROWS
        monkeypatch.undo()


def test_pages_are_as_long_as_asked(client: bigquery.Client) -> None:
    job = client.query(SQL)
    job.result()
    page = _get(client, f"/queries/{job.job_id}?maxResults=2&startIndex=1")
    assert [row["f"][0]["v"] for row in page["rows"]] == ["2", "3"]
    page = _get(client, f"/queries/{job.job_id}?maxResults=5&pageToken={page['pageToken']}")
    assert [row["f"][0]["v"] for row in page["rows"]] == ["4", "5"]
    assert "pageToken" not in page
    with pytest.raises(urllib.error.HTTPError, match="400"):
        _get(client, f"/queries/{job.job_id}?pageToken=x")


def test_timestamps_are_written_as_asked(client: bigquery.Client) -> None:
    job = client.query(SQL)
    job.result()
    path = f"/queries/{job.job_id}?maxResults=1"

    def moment(options: str) -> str:
        rows = _get(client, f"{path}{options}")["rows"]
        return str(rows[0]["f"][1]["v"])

    assert moment("") == "1705314600.123456"
    assert moment("&formatOptions.useInt64Timestamp=true") == "1705314600123456"
    assert moment("&formatOptions.timestampOutputFormat=INT64") == "1705314600123456"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        moment("&formatOptions.timestampOutputFormat=ISO8601_STRING")


def test_a_page_holds_a_bounded_number_of_bytes(client: bigquery.Client) -> None:
    sql = "SELECT n, REPEAT('x', 1000000) AS t FROM UNNEST(GENERATE_ARRAY(1, 25)) AS n ORDER BY n"
    job = client.query(sql)
    assert [row.n for row in job.result()] == list(range(1, 26))
    page = _get(client, f"/queries/{job.job_id}")
    assert 1 <= len(page["rows"]) <= 10
    assert page["pageToken"] == str(len(page["rows"]))


def test_a_result_goes_after_a_day() -> None:
    now = [1_700_000_000.0]
    service = Service(None, clock=lambda: now[0])
    job = service.jobs.submit(Query("SELECT 1 AS a", PROJECT), {}, "US")
    assert job.done.wait(30)
    tables = AnonymousTables(service.jobs)
    assert tables.find(name_of(job))[1].to_pylist() == [{"a": 1}]
    now[0] += RESULT_KEPT_MS / 1000 - 1
    service.sweep()
    assert [table.name for table in tables.tables(PROJECT)] == [name_of(job)]
    now[0] += 1
    service.sweep()
    with pytest.raises(TableNotFound):
        tables.find(name_of(job))
    assert service.jobs.get(PROJECT, job.id) is job
    service.close()


def test_older_results_make_room_for_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localgcp.bigquery.jobs.held.MAX_HELD_BYTES", 2500)
    service = Service(None)
    jobs = []
    for _ in range(3):
        job = service.jobs.submit(Query("SELECT REPEAT('x', 1000) AS a", PROJECT), {}, "US")
        assert job.done.wait(30)
        jobs.append(job)
    service.jobs.close()
    assert [job.held_bytes > 0 for job in jobs] == [False, True, True]
    service.store.close()


def test_a_result_without_rows_is_a_table_too(client: bigquery.Client) -> None:
    job = client.query("SELECT 1 AS n FROM UNNEST([1]) AS x WHERE x > 1")
    job.result()
    table = client.get_table(job.destination)
    assert (table.num_rows, [field.name for field in table.schema]) == (0, ["n"])
    assert list(client.list_rows(table)) == []
