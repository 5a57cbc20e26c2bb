"""What an extract writes: one object's bytes, in its format and compression."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.rows.api_arrow import arrow_field, as_api
from localgcp.bigquery.rows.avro_schema import check_types, records, schema_of
from localgcp.bigquery.rows.text_files import check_flat, csv_lines, header, json_lines

if TYPE_CHECKING:
    import pyarrow as pa

# JobConfigurationExtract, compression: which formats know which.
COMPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "CSV": ("NONE", "GZIP"),
    "NEWLINE_DELIMITED_JSON": ("NONE", "GZIP"),
    "AVRO": ("NONE", "DEFLATE", "SNAPPY"),
    "PARQUET": ("NONE", "SNAPPY", "GZIP", "ZSTD"),
}
_AVRO_CODECS = {"NONE": "null", "DEFLATE": "deflate", "SNAPPY": "snappy"}


@dataclass(frozen=True, slots=True)
class Form:
    """How rows are written."""

    format: str = "CSV"
    compression: str = "NONE"
    delimiter: str = ","
    header: bool = True
    logical: bool = False
    """Whether Avro has its logical types for days and times (useAvroLogicalTypes)."""


@dataclass(frozen=True, slots=True)
class Written:
    """An object to be."""

    data: bytes
    content_type: str


def check(form: Form, fields: tuple[Field, ...]) -> None:
    """Look whether the format can hold the columns.

    Raises Invalid, NotSupported where the format cannot hold the columns.
    """
    if form.format == "CSV":
        check_flat(fields)
    elif form.format == "AVRO":
        check_types(fields, "an Avro file")


def write(form: Form, fields: tuple[Field, ...], batches: list[pa.RecordBatch]) -> Written:
    """The rows as one object."""
    return _WRITERS[form.format](form, fields, batches)


def _csv(form: Form, fields: tuple[Field, ...], batches: list[pa.RecordBatch]) -> Written:
    lines = [header(fields, form.delimiter)] if form.header else []
    lines += (csv_lines(fields, batch, form.delimiter) for batch in batches)
    return _text(form, b"".join(lines), "text/csv")


def _json(form: Form, fields: tuple[Field, ...], batches: list[pa.RecordBatch]) -> Written:
    data = b"".join(json_lines(fields, batch) for batch in batches)
    return _text(form, data, "application/json")


def _text(form: Form, data: bytes, content_type: str) -> Written:
    if form.compression == "GZIP":
        return Written(gzip.compress(data, mtime=0), "application/gzip")
    return Written(data, content_type)


def _avro(form: Form, fields: tuple[Field, ...], batches: list[pa.RecordBatch]) -> Written:
    import fastavro

    file = io.BytesIO()
    rows = (row for batch in batches for row in records(fields, batch, form.logical))
    schema = fastavro.parse_schema(schema_of(fields, form.logical))
    fastavro.writer(file, schema, rows, _AVRO_CODECS[form.compression])
    return Written(file.getvalue(), "application/octet-stream")


def _parquet(form: Form, fields: tuple[Field, ...], batches: list[pa.RecordBatch]) -> Written:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(f.name, _type(f), nullable=not f.required) for f in fields])
    table = pa.Table.from_batches([_cast(batch, fields, schema) for batch in batches], schema)
    file = io.BytesIO()
    pq.write_table(table, file, compression=form.compression.lower())
    return Written(file.getvalue(), "application/octet-stream")


def _type(column: Field) -> pa.DataType:
    return arrow_field(column).type if bignumeric.holds([column]) else arrow_type(column)


def _cast(batch: pa.RecordBatch, fields: tuple[Field, ...], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for column, each, wanted in zip(fields, batch.columns, schema, strict=True):
        if bignumeric.holds([column]):
            arrays.append(as_api(each, wanted.type))
        else:
            plain = each.storage if isinstance(each, pa.ExtensionArray) else each
            arrays.append(plain.cast(wanted.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


_Writer = Callable[[Form, tuple[Field, ...], "list[pa.RecordBatch]"], Written]
_WRITERS: dict[str, _Writer] = {
    "CSV": _csv,
    "NEWLINE_DELIMITED_JSON": _json,
    "AVRO": _avro,
    "PARQUET": _parquet,
}
