"""The Storage Write API by its official client: stream types, offsets, both formats, refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.cloud.bigquery_storage_v1.writer import AppendRowsStream
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import code_pb2

from localgcp.base import LOOPBACK, claim_port
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT, Container, connect
from tests.emulators.bigquery.storage_clients import connected

Kind = descriptor_pb2.FieldDescriptorProto
TYPES = types.WriteStream.Type
ERRORS = types.StorageError.StorageErrorCode


def row_type(**fields: int) -> Any:
    """A message of optional fields, in proto2."""
    row = descriptor_pb2.DescriptorProto(name="Row")
    for number, (name, kind) in enumerate(fields.items(), 1):
        row.field.add(name=name, number=number, type=kind, label=Kind.LABEL_OPTIONAL)
    file = descriptor_pb2.FileDescriptorProto(name="row.proto", message_type=[row])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Row"))


ROW = row_type(name=Kind.TYPE_STRING, n=Kind.TYPE_INT64)


def request(*rows: Any, offset: int | None = None, cls: Any = None) -> types.AppendRowsRequest:
    made = types.AppendRowsRequest(offset=offset)
    serialized = [row.SerializeToString() for row in rows]
    made.proto_rows = types.AppendRowsRequest.ProtoData(
        rows=types.ProtoRows(serialized_rows=serialized)
    )
    if cls is not None:
        descriptor = descriptor_pb2.DescriptorProto()
        cls.DESCRIPTOR.CopyToProto(descriptor)
        made.proto_rows.writer_schema = types.ProtoSchema(proto_descriptor=descriptor)
    return made


def rows_of(*names: str) -> list[Any]:
    return [ROW(name=name, n=number) for number, name in enumerate(names)]


@pytest.fixture
def writes(emulator: BigQueryEmulator | Container) -> Iterator[BigQueryWriteClient]:
    with connected(emulator) as (_, client):
        yield client


@pytest.fixture
def parent(client: bigquery.Client, dataset: str) -> str:
    field = bigquery.SchemaField
    schema = [field("name", "STRING", "REQUIRED"), field("n", "INTEGER")]
    client.create_table(bigquery.Table(f"{PROJECT}.{dataset}.t", schema=schema))
    return f"projects/{PROJECT}/datasets/{dataset}/tables/t"


def stream_of(writes: BigQueryWriteClient, parent: str, kind: Any) -> types.WriteStream:
    return writes.create_write_stream(parent=parent, write_stream=types.WriteStream(type_=kind))


def opened(writes: BigQueryWriteClient, name: str, cls: Any = ROW) -> AppendRowsStream:
    template = request(cls=cls)
    template.write_stream = name
    return AppendRowsStream(writes, template)


def names_in(client: bigquery.Client, parent: str) -> list[str]:
    _, project, _, dataset, _, table = parent.split("/")
    return [row.name for row in client.list_rows(f"{project}.{dataset}.{table}")]


def answered(stream: AppendRowsStream, sent: types.AppendRowsRequest) -> Any:
    return stream.send(sent).result(timeout=30)


def test_the_default_stream_takes_rows_at_once(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str
) -> None:
    stream = opened(writes, f"{parent}/streams/_default")
    answer = answered(stream, request(*rows_of("a", "b")))
    assert not answer.append_result.offset
    assert answer.write_stream == f"{parent}/streams/_default"
    assert names_in(client, parent) == ["a", "b"]
    with pytest.raises(exceptions.InvalidArgument, match="Offset cannot be specified"):
        answered(stream, request(*rows_of("c"), offset=2))
    found = writes.get_write_stream(name=f"{parent}/streams/_default")
    assert (found.type_, found.table_schema.fields) == (TYPES.COMMITTED, [])
    stream.close()


def test_offsets_of_a_committed_stream_make_rows_come_once(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str
) -> None:
    made = stream_of(writes, parent, TYPES.COMMITTED)
    assert [field.name for field in made.table_schema.fields] == ["name", "n"]
    stream = opened(writes, made.name)
    assert answered(stream, request(*rows_of("a", "b"), offset=0)).append_result.offset == 0
    for sent, kind, code in (
        (0, exceptions.AlreadyExists, ERRORS.OFFSET_ALREADY_EXISTS),
        (3, exceptions.OutOfRange, ERRORS.OFFSET_OUT_OF_RANGE),
    ):
        with pytest.raises(kind, match=f"expected offset 2, received {sent}") as raised:
            answered(stream, request(*rows_of("c"), offset=sent))
        detail = types.StorageError.pb()()
        assert raised.value.response.error.details[0].Unpack(detail)
        assert (detail.code, detail.entity) == (code, made.name)
    assert answered(stream, request(*rows_of("c"))).append_result.offset == 2
    assert names_in(client, parent) == ["a", "b", "c"]
    assert writes.finalize_write_stream(name=made.name).row_count == 3
    with pytest.raises(exceptions.InvalidArgument, match="has been finalized"):
        answered(stream, request(*rows_of("d")))
    stream.close()


def test_pending_streams_are_seen_together(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str
) -> None:
    made = [stream_of(writes, parent, TYPES.PENDING).name for _ in range(2)]
    for name, row in zip(made, ("a", "b"), strict=True):
        stream = opened(writes, name)
        answered(stream, request(*rows_of(row), offset=0))
        stream.close()
    commit = types.BatchCommitWriteStreamsRequest(parent=parent, write_streams=made)
    writes.finalize_write_stream(name=made[0])
    refused = writes.batch_commit_write_streams(commit)
    assert [error.code for error in refused.stream_errors] == [ERRORS.INVALID_STREAM_STATE]
    assert names_in(client, parent) == []
    writes.finalize_write_stream(name=made[1])
    assert writes.batch_commit_write_streams(commit).commit_time is not None
    assert names_in(client, parent) == ["a", "b"]
    again = writes.batch_commit_write_streams(commit)
    assert {error.code for error in again.stream_errors} == {ERRORS.STREAM_ALREADY_COMMITTED}
    assert names_in(client, parent) == ["a", "b"]


def test_a_buffered_stream_is_seen_as_far_as_it_is_flushed(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str
) -> None:
    made = stream_of(writes, parent, TYPES.BUFFERED)
    stream = opened(writes, made.name)
    answered(stream, request(*rows_of("a", "b", "c"), offset=0))
    assert names_in(client, parent) == []
    for offset, seen in ((1, ["a", "b"]), (1, ["a", "b"]), (2, ["a", "b", "c"])):
        flush = types.FlushRowsRequest(write_stream=made.name, offset=offset)
        assert writes.flush_rows(flush).offset == offset
        assert names_in(client, parent) == seen
    with pytest.raises(exceptions.OutOfRange):
        writes.flush_rows(types.FlushRowsRequest(write_stream=made.name, offset=3))
    with pytest.raises(exceptions.InvalidArgument, match="BUFFERED"):
        writes.flush_rows(
            types.FlushRowsRequest(write_stream=f"{parent}/streams/_default", offset=0)
        )
    stream.close()


def test_a_wrong_row_stops_its_request_and_is_named(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str
) -> None:
    stream = opened(writes, f"{parent}/streams/_default")
    with pytest.raises(exceptions.InvalidArgument, match="row_errors field") as raised:
        answered(stream, request(ROW(name="a"), ROW(n=1)))
    (error,) = raised.value.response.row_errors
    assert (error.index, error.message) == (1, "Field name: is required but not set.")
    answered(stream, request(*rows_of("b")))
    assert names_in(client, parent) == ["b"]
    stream.close()


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (row_type(name=Kind.TYPE_STRING, zz=Kind.TYPE_INT64), "extra fields: 'zz'"),
        (row_type(name=Kind.TYPE_STRING, n=Kind.TYPE_STRING), "Cannot convert value to integer"),
        (row_type(name=Kind.TYPE_INT64), "mismatched with BigQuery field at name"),
        (row_type(name=Kind.TYPE_STRING, _CHANGE_TYPE=Kind.TYPE_STRING), "change data capture"),
    ],
)
def test_a_schema_that_does_not_fit_is_told(
    writes: BigQueryWriteClient, parent: str, cls: Any, told: str
) -> None:
    stream = opened(writes, f"{parent}/streams/_default", cls)
    values = {
        field.name: 1 if field.type == Kind.TYPE_INT64 else "x" for field in cls.DESCRIPTOR.fields
    }
    with pytest.raises(exceptions.GoogleAPICallError) as raised:
        answered(stream, request(cls(**values)))
    rows = getattr(raised.value.response, "row_errors", [])
    assert told in " ".join([str(raised.value), *(row.message for row in rows)])
    stream.close()


def test_a_new_column_is_noticed(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str, dataset: str
) -> None:
    stream = opened(writes, f"{parent}/streams/_default")
    assert not answered(stream, request(*rows_of("a"))).updated_schema.fields
    table = client.get_table(f"{dataset}.t")
    table.schema = [*table.schema, bigquery.SchemaField("more", "STRING")]
    client.update_table(table, ["schema"])
    told = answered(stream, request(*rows_of("b"))).updated_schema.fields
    assert [field.name for field in told] == ["name", "n", "more"]
    assert not answered(stream, request(*rows_of("c"))).updated_schema.fields
    stream.close()


def test_arrow_rows_and_streams_side_by_side_on_one_connection(
    client: bigquery.Client, writes: BigQueryWriteClient, parent: str, dataset: str
) -> None:
    field = bigquery.SchemaField
    inner = [field("x", "NUMERIC", "REQUIRED"), field("at", "TIMESTAMP")]
    schema = [field("r", "RECORD", "REPEATED", fields=inner), field("j", "JSON")]
    client.create_table(bigquery.Table(f"{PROJECT}.{dataset}.arrow", schema=schema))
    other = parent.removesuffix("t") + "arrow/streams/_default"
    batch = pa.RecordBatch.from_pylist([{"r": [{"x": 1, "at": 5}], "j": '{"a": 1}'}, {"r": []}])
    data = types.AppendRowsRequest.ArrowData(
        writer_schema=types.ArrowSchema(serialized_schema=batch.schema.serialize().to_pybytes()),
        rows=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
    )
    by_arrow = types.AppendRowsRequest(write_stream=other, arrow_rows=data)
    by_proto = request(*rows_of("a"), cls=ROW)
    by_proto.write_stream = f"{parent}/streams/_default"
    answers = list(writes.append_rows(iter([by_proto, by_arrow, by_proto])))
    assert [answer.error.code for answer in answers] == [code_pb2.OK] * 3
    mine = by_proto.write_stream
    assert [answer.write_stream for answer in answers] == [mine, other, mine]
    assert names_in(client, parent) == ["a", "a"]
    first, second = client.list_rows(f"{dataset}.arrow")
    assert (str(first.r[0]["x"]), first.r[0]["at"].microsecond, first.j) == ("1", 5, {"a": 1})
    assert (second.r, second.j) == ([], None)


def test_what_is_not_there_ends_the_call(writes: BigQueryWriteClient, parent: str) -> None:
    for name in (f"{parent}x/streams/_default", f"{parent}/streams/none"):
        with pytest.raises(exceptions.NotFound):
            writes.get_write_stream(name=name)
        with pytest.raises((exceptions.NotFound, exceptions.Unknown)):
            answered(opened(writes, name), request(*rows_of("a")))
    with pytest.raises(exceptions.InvalidArgument, match=r"write_stream\.type"):
        writes.create_write_stream(parent=parent, write_stream=types.WriteStream())


def test_what_was_appended_survives_sigkill_with_its_offsets(tmp_path: Path) -> None:
    port = claim_port("bigquery", LOOPBACK, 0)

    def start() -> subprocess.Popen[bytes]:
        command = ("-m", "localgcp", "bigquery", "--port", str(port), "--data-dir", tmp_path)
        process = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert b"listening" in process.stdout.readline()
        return process

    def end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.communicate()

    here = Container({"BIGQUERY_EMULATOR_HOST": f"http://{LOOPBACK}:{port}"})
    running = start()
    try:
        with connect(here) as client, connected(here) as (_, writes):
            client.create_dataset("ds")
            schema = [bigquery.SchemaField("name", "STRING"), bigquery.SchemaField("n", "INTEGER")]
            client.create_table(bigquery.Table(f"{PROJECT}.ds.t", schema=schema))
            parent = f"projects/{PROJECT}/datasets/ds/tables/t"
            made = stream_of(writes, parent, TYPES.PENDING).name
            stream = opened(writes, made)
            answered(stream, request(*rows_of("a", "b"), offset=0))
            end(running)
        running = start()
        with connect(here) as client, connected(here) as (_, writes):
            stream = opened(writes, made)
            with pytest.raises(exceptions.AlreadyExists):
                answered(stream, request(*rows_of("a", "b"), offset=0))
            answered(stream, request(*rows_of("c"), offset=2))
            stream.close()
            writes.finalize_write_stream(name=made)
            commit = types.BatchCommitWriteStreamsRequest(parent=parent, write_streams=[made])
            writes.batch_commit_write_streams(commit)
            assert names_in(client, parent) == ["a", "b", "c"]
    finally:
        end(running)
