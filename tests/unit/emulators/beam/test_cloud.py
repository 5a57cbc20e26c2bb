"""Beam's own clients: where they go, that they leave this machine for none, and Beam's names."""

from __future__ import annotations

import inspect
import logging

import apache_beam as beam
import pytest
from apache_beam.io.gcp import bigquery, bigquery_change_history, bigquery_tools, gcsio
from apache_beam.options.pipeline_options import PipelineOptions
from google.cloud import bigquery_storage_v1

from localgcp.beam import cloud
from localgcp.beam.errors import NeedsJava, NoEmulator

VARIABLES = ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST")


@pytest.fixture(autouse=True)
def led(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.lead()
    cloud._tell.cache_clear()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_bigquery_goes_where_the_variable_says_and_tells_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            client = bigquery_tools.BigQueryWrapper._bigquery_client(PipelineOptions())
    assert client.url == "http://127.0.0.1:9050/bigquery/v2/"
    assert [record.getMessage() for record in caplog.records] == [
        "Beam's own client of BigQuery asks http://127.0.0.1:9050 (BIGQUERY_EMULATOR_HOST)"
    ]
    for module in (bigquery, bigquery_change_history):
        reader = module.bq_storage.BigQueryReadClient()
        assert reader.transport._grpc_channel is not None
        assert module.bq_storage.types is bigquery_storage_v1.types


@pytest.mark.parametrize("named", VARIABLES)
def test_a_client_without_an_emulator_is_refused_while_others_have_one(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv(named, "127.0.0.1:1")
    if named != "BIGQUERY_EMULATOR_HOST":
        with pytest.raises(NoEmulator, match="BIGQUERY_EMULATOR_HOST"):
            bigquery_tools.BigQueryWrapper._bigquery_client(PipelineOptions())
        with pytest.raises(NoEmulator, match="BIGQUERY_EMULATOR_HOST"):
            bigquery.bq_storage.BigQueryReadClient()
    if named != "STORAGE_EMULATOR_HOST":
        with pytest.raises(NoEmulator, match="STORAGE_EMULATOR_HOST"):
            gcsio.create_storage_client(PipelineOptions())


def test_without_emulators_beam_is_as_it_is() -> None:
    made: list[str] = []
    cloud._bigquery(made.append)("options")
    cloud._storage(made.append)("options")
    assert made == ["options", "options"]


def test_the_write_method_that_needs_java_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    rows = beam.Pipeline() | beam.Create([{"n": 1}])
    writing = beam.io.WriteToBigQuery("project:d.t", schema="n:INTEGER", method="STORAGE_WRITE_API")
    with pytest.raises(NeedsJava, match=r"STORAGE_WRITE_API.*STREAMING_INSERTS or FILE_LOADS"):
        rows | writing


def test_beams_private_names_are_as_cloud_takes_them() -> None:
    """Stock's text, read from its file: here they are replaced already."""
    tools = inspect.getsource(bigquery_tools)
    assert "def _bigquery_client(pipeline_options: PipelineOptions):" in tools
    assert tools.count("BigQueryWrapper._bigquery_client(") >= 2
    assert "storage_client = create_storage_client(pipeline_options)" in inspect.getsource(gcsio)
    for module, calls in ((bigquery, 3), (bigquery_change_history, 1)):
        text = inspect.getsource(module)
        assert "bq_storage" in text
        assert text.count("bq_storage.BigQueryReadClient()") == calls
    assert "def expand(self, input):" in inspect.getsource(bigquery.StorageWriteToBigQuery)
