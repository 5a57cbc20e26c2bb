"""Jobs of every kind, QueryJob's own properties, and what the client does with jobs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery.job.base import _AsyncJob

from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers

MANY = "UNNEST(GENERATE_ARRAY(1, 1000000))"
SLOW = f"SELECT COUNT(*) AS n FROM {MANY} a CROSS JOIN {MANY} b WHERE MOD(a * b, 7) = 3"


@covers(bigquery.Client, "location")
@covers(_AsyncJob, "job_id", "job_type", "project", "location", "path", "labels", "state")
@covers(_AsyncJob, "created", "started", "ended", "etag", "self_link", "user_email")
@covers(_AsyncJob, "result", "done", "running", "cancelled", "exception", "exists", "reload")
@covers(_AsyncJob, "error_result", "errors", "configuration", "to_api_repr")
@covers(_AsyncJob, "num_child_jobs", "parent_job_id", "script_statistics", "session_info")
@covers(_AsyncJob, "transaction_info", "reservation_id", "reservation_usage")
def test_a_job_that_ends_well(client: bigquery.Client, people: bigquery.Table) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    job: Any = client.copy_table(people, f"{people.reference}_copy")
    assert job.result(timeout=30) is job
    assert (job.state, job.done(), job.running(), job.cancelled()) == ("DONE", True, False, False)
    assert (job.job_type, job.project, job.location) == ("copy", client.project, "US")
    assert client.location is None
    assert job.path == f"/projects/{client.project}/jobs/{job.job_id}"
    assert before < job.created <= job.started <= job.ended
    assert (job.exception(), job.error_result, job.errors) == (None, None, None)
    assert job.user_email == "local@emulator"
    assert job.labels == {}
    assert job.etag
    assert job.self_link is None  # it would lead to Google
    job.reload()
    assert job.exists()
    assert not bigquery.CopyJob("no_such_job", [], people.reference, client).exists()
    assert job.configuration.write_disposition is None
    assert job.to_api_repr()["jobReference"]["jobId"] == job.job_id
    assert (job.num_child_jobs, job.parent_job_id, job.script_statistics) == (0, None, None)
    assert (job.session_info, job.transaction_info) == (None, None)
    assert (job.reservation_id, job.reservation_usage) == (None, [])


@covers(bigquery.Client, "query")
@covers(_AsyncJob, "error_result", "errors", "exception", "add_done_callback")
@covers(bigquery.QueryJob, "exception", "result", "done")
def test_a_job_that_ends_badly(client: bigquery.Client) -> None:
    job = client.query("SELECT DIV(1, 0) AS n")
    ended = threading.Event()
    job.add_done_callback(lambda _: ended.set())
    assert isinstance(job.exception(), BadRequest)
    with pytest.raises(BadRequest, match="division by zero"):
        job.result()
    assert job.done()
    assert job.error_result["reason"] == "invalidQuery"
    assert job.errors == [job.error_result]
    assert ended.wait(10)


@covers(_AsyncJob, "set_result", "set_exception")
def test_a_job_is_a_future_that_can_be_set(client: bigquery.Client) -> None:
    job = bigquery.CopyJob("by_hand", [], bigquery.TableReference.from_string("p.d.t"), client)
    job.set_result("anything")
    job.set_exception(ValueError("on purpose"))
    assert job.state is None  # the server knows nothing of it


@covers(bigquery.Client, "cancel_job", "get_job")
@covers(_AsyncJob, "cancel")
@pytest.mark.parametrize("how", ["client", "job"])
def test_a_job_is_cancelled(client: bigquery.Client, how: str) -> None:
    job = client.query(SLOW, job_retry=None)
    if how == "client":
        client.cancel_job(job.job_id)
    else:
        assert job.cancel()
    with pytest.raises(GoogleAPICallError, match="User requested cancellation"):
        client.get_job(job.job_id).result(timeout=30)
    ended = client.get_job(job.job_id)
    assert (ended.state, ended.error_result["reason"]) == ("DONE", "stopped")


@covers(bigquery.Client, "get_job", "delete_job_metadata", "job_from_resource")
def test_a_job_is_got_and_forgotten(client: bigquery.Client) -> None:
    job = client.query("SELECT 1 AS n")
    job.result()
    again = client.get_job(job.job_id, location=job.location)
    assert [row.n for row in again.result()] == [1]
    assert client.job_from_resource(again.to_api_repr()).job_id == job.job_id
    client.delete_job_metadata(job.job_id)
    client.delete_job_metadata(job.job_id, not_found_ok=True)
    with pytest.raises(NotFound, match="Not found: Job"):
        client.get_job(job.job_id)


@covers(bigquery.Client, "list_jobs")
def test_a_list_of_jobs(client: bigquery.Client) -> None:
    job = client.query("SELECT 1 AS n")
    job.result()
    created = job.created

    def ids(**asked: Any) -> list[str]:
        return [each.job_id for each in client.list_jobs(**asked)]

    assert ids(max_results=1) == [job.job_id]  # the newest first
    assert job.job_id in ids(state_filter="done", all_users=True, page_size=2)
    assert job.job_id not in ids(state_filter="running")
    minute = timedelta(minutes=1)
    assert job.job_id in ids(min_creation_time=created - minute, max_creation_time=created + minute)
    assert ids(min_creation_time=created + minute) == []
    assert job.job_id not in ids(max_creation_time=created - minute)
    assert ids(parent_job=job.job_id) == []
    with pytest.raises(BadRequest, match="stateFilter"):
        ids(state_filter="sleeping")


@covers(bigquery.Client, "list_jobs")
@covers(_AsyncJob, "num_child_jobs", "parent_job_id", "script_statistics")
def test_the_jobs_of_a_script(client: bigquery.Client, people: bigquery.Table) -> None:
    table = f"`{people.reference}`"
    sql = (
        "DECLARE old INT64 DEFAULT 40;\n"
        f"SET old = (SELECT MIN(age) FROM {table});\n"
        f"SELECT name FROM {table} WHERE age > old"
    )
    script = client.query(sql)
    assert sorted(row.name for row in script.result()) == ["Bob"]
    script.reload()
    assert (script.num_child_jobs, script.statement_type) == (2, "SCRIPT")
    last, first = client.list_jobs(parent_job=script.job_id)
    assert {last.parent_job_id, first.parent_job_id} == {script.job_id}
    assert first.script_statistics.evaluation_kind == "EXPRESSION"
    assert last.script_statistics.evaluation_kind == "STATEMENT"
    (frame,) = last.script_statistics.stack_frames
    assert (frame.start_line, frame.start_column, frame.end_line) == (3, 1, 3)
    assert frame.text == f"SELECT name FROM {table} WHERE age > old"
    assert [row.name for row in last.result()] == ["Bob"]
    assert script.total_bytes_processed == people.num_bytes + 2 * 8  # the first reads `age` alone
    listed = {job.job_id for job in client.list_jobs()}
    assert script.job_id in listed
    assert not {last.job_id, first.job_id} & listed
    client.delete_job_metadata(script.job_id)
    assert list(client.list_jobs(parent_job=script.job_id)) == []


def test_pages_of_jobs_hold_while_new_ones_come(client: bigquery.Client) -> None:
    started = [client.query(f"SELECT {n} AS n") for n in range(4)]
    for job in started:
        job.result()
    pages = client.list_jobs(page_size=2).pages
    seen = [job.job_id for job in next(pages)]
    client.query("SELECT 5 AS n").result()
    seen += [job.job_id for job in next(pages)]
    assert seen == [job.job_id for job in reversed(started)]


def test_the_labels_of_a_job(client: bigquery.Client) -> None:
    job = client.query_and_wait("SELECT 1", job_config=bigquery.QueryJobConfig(labels={"a": "b-1"}))
    assert client.get_job(job.job_id).labels == {"a": "b-1"}
    for labels in ({"A": "b"}, {"a": "B"}, {"1a": "b"}, {"a" * 64: "b"}, {"a": "b c"}):
        with pytest.raises(BadRequest, match="labels"):
            client.query("SELECT 1", job_config=bigquery.QueryJobConfig(labels=labels))


@covers(bigquery.Client, "create_job")
def test_a_job_by_its_configuration(client: bigquery.Client, people: bigquery.Table) -> None:
    query = {"query": {"query": "SELECT 1 AS n", "useLegacySql": False}, "labels": {"a": "b"}}
    job = client.create_job(query)
    assert [row.n for row in job.result()] == [1]
    assert job.labels == {"a": "b"}
    source = people.reference.to_api_repr()
    extract = {"extract": {"sourceTable": source, "destinationUris": ["gs://b/o"]}}
    assert isinstance(client.create_job(extract), bigquery.ExtractJob)


@covers(bigquery.QueryJob, "query", "statement_type", "destination", "referenced_tables")
@covers(bigquery.QueryJob, "use_legacy_sql", "use_query_cache", "priority", "dry_run")
@covers(bigquery.QueryJob, "default_dataset", "query_parameters", "maximum_bytes_billed")
@covers(bigquery.QueryJob, "allow_large_results", "flatten_results", "maximum_billing_tier")
@covers(bigquery.QueryJob, "create_disposition", "write_disposition", "from_api_repr")
@covers(bigquery.QueryJob, "total_bytes_processed", "total_bytes_billed", "cache_hit")
@covers(bigquery.QueryJob, "estimated_bytes_processed", "billing_tier", "slot_millis", "query_id")
@covers(bigquery.QueryJob, "query_plan", "timeline", "undeclared_query_parameters")
@covers(bigquery.QueryJob, "bi_engine_stats", "search_stats", "incremental_result_stats")
@covers(bigquery.QueryJob, "referenced_property_graphs", "to_api_repr", "configuration")
def test_a_query_job(client: bigquery.Client, people: bigquery.Table) -> None:
    config = bigquery.QueryJobConfig(
        default_dataset=bigquery.DatasetReference(people.project, people.dataset_id),
        query_parameters=[bigquery.ScalarQueryParameter("age", "INT64", 40)],
        priority="BATCH",
        use_query_cache=False,
        maximum_bytes_billed=10_000_000,
        destination=f"{people.reference}_old",
        create_disposition="CREATE_IF_NEEDED",
        write_disposition="WRITE_TRUNCATE",
    )
    sql = "SELECT name FROM people WHERE age > @age"
    job = client.query(sql, job_config=config)
    assert [row.name for row in job.result()] == ["Bob"]
    assert (job.query, job.statement_type) == (sql, "SELECT")
    assert str(job.destination) == f"{people.reference}_old"
    assert job.referenced_tables == [people.reference]
    assert (job.use_legacy_sql, job.use_query_cache, job.priority) == (False, False, "BATCH")
    assert (job.dry_run, job.maximum_bytes_billed) == (None, 10_000_000)
    assert job.default_dataset == config.default_dataset
    assert [parameter.value for parameter in job.query_parameters] == [40]
    assert (job.create_disposition, job.write_disposition) == ("CREATE_IF_NEEDED", "WRITE_TRUNCATE")
    assert (job.allow_large_results, job.flatten_results) == (None, None)
    assert job.total_bytes_processed == people.num_bytes
    assert (job.total_bytes_billed, job.cache_hit) == (0, False)
    # The emulator plans no stages and counts no slots.
    assert (job.query_plan, job.timeline, job.undeclared_query_parameters) == ([], [], [])
    assert (job.slot_millis, job.billing_tier, job.estimated_bytes_processed) == (None,) * 3
    assert (job.bi_engine_stats, job.search_stats, job.maximum_billing_tier) == (None,) * 3
    assert (job.incremental_result_stats, job.query_id) == (None, None)
    assert job.referenced_property_graphs == []
    assert job.configuration.priority == "BATCH"
    again = bigquery.QueryJob.from_api_repr(job.to_api_repr(), client)
    assert again.query == sql


@covers(bigquery.QueryJob, "dry_run", "schema", "total_bytes_processed")
def test_a_dry_run(client: bigquery.Client, people: bigquery.Table) -> None:
    config = bigquery.QueryJobConfig(dry_run=True)
    job = client.query(f"SELECT * FROM `{people.reference}`", job_config=config)
    assert (job.dry_run, job.state) == (True, "DONE")
    assert [column.name for column in job.schema] == ["name", "age"]
    assert job.total_bytes_processed == people.num_bytes
    assert list(job.result()) == []


@covers(bigquery.QueryJob, "num_dml_affected_rows", "dml_stats", "ddl_operation_performed")
@covers(bigquery.QueryJob, "ddl_target_table", "ddl_target_routine", "statement_type")
def test_what_a_statement_changed(client: bigquery.Client, people: bigquery.Table) -> None:
    job = client.query(f"UPDATE `{people.reference}` SET age = 1 WHERE age > 36")
    job.result()
    assert (job.statement_type, job.num_dml_affected_rows) == ("UPDATE", 1)
    assert (job.dml_stats.updated_row_count, job.dml_stats.inserted_row_count) == (1, 0)
    job = client.query(f"CREATE TABLE `{people.reference}_2` (n INT64)")
    job.result()
    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_TABLE", "CREATE")
    assert str(job.ddl_target_table) == f"{people.reference}_2"
    assert job.ddl_target_routine is None


@covers(bigquery.QueryJob, "table_definitions", "udf_resources")
@covers(bigquery.QueryJob, "create_session", "connection_properties")
@covers(bigquery.QueryJob, "destination_encryption_configuration", "use_legacy_sql")
def test_what_a_query_cannot_be_is_refused_by_name(
    client: bigquery.Client, refused: Refused
) -> None:
    given: dict[str, Any] = {
        "table_definitions": {"t": bigquery.ExternalConfig("CSV")},
        "udf_resources": [bigquery.UDFResource("inlineCode", "return 1")],
        "create_session": True,
        "connection_properties": [bigquery.ConnectionProperty("session_id", "s")],
        "destination_encryption_configuration": bigquery.EncryptionConfiguration("projects/p/k"),
        "use_legacy_sql": True,
    }
    for name, value in given.items():
        config = bigquery.QueryJobConfig(**{name: value})
        assert getattr(bigquery.QueryJob("j", "SELECT 1", client, config), name)
        with refused(""):
            client.query("SELECT 1 AS n", job_config=config)


@covers(bigquery.Client, "default_query_job_config", "default_load_job_config")
@covers(bigquery.Client, "default_job_creation_mode", "SCOPE", "close")
@covers(bigquery.Client, "from_service_account_info", "from_service_account_json")
def test_the_client_itself(client: bigquery.Client, people: bigquery.Table, tmp_path: Any) -> None:
    with bigquery.Client(project=client.project) as other:
        dataset = bigquery.DatasetReference(people.project, people.dataset_id)
        other.default_query_job_config = bigquery.QueryJobConfig(default_dataset=dataset)
        other.default_load_job_config = bigquery.LoadJobConfig(ignore_unknown_values=True)
        assert len(list(other.query_and_wait("SELECT * FROM people"))) == 3
        other.load_table_from_json([{"name": "Eve", "born": 1}], people.reference).result()
        assert other.get_table(people).num_rows == 4
        other.default_job_creation_mode = "JOB_CREATION_OPTIONAL"
        assert [row.n for row in other.query_and_wait("SELECT 1 AS n")] == [1]
        other.close()
    assert bigquery.Client.SCOPE
    # A service account's token comes from Google: these two never work offline.
    for way, given in (
        (bigquery.Client.from_service_account_info, {}),
        (bigquery.Client.from_service_account_json, str(tmp_path / "absent.json")),
    ):
        with pytest.raises((ValueError, FileNotFoundError)):
            way(given)
