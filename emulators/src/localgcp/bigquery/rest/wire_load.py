"""Load jobs on the wire: JobConfigurationLoad in, JobStatistics3 out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from localgcp.bigquery.catalog import resource as res
from localgcp.bigquery.catalog.schema import parse_schema
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, MissingField, NotSupported, RequestTooLarge
from localgcp.bigquery.jobs.loads import Load, Loaded
from localgcp.bigquery.rest.uploads import MAX_UPLOAD
from localgcp.bigquery.rows.csv_file import CsvFile, CsvOptions
from localgcp.bigquery.rows.file import File
from localgcp.bigquery.rows.lines import Lines
from localgcp.bigquery.rows.parquet_file import ParquetFile

_KNOWN = {"schema", "destinationTable", "destinationTableProperties", "createDisposition"} | {
    *("writeDisposition", "maxBadRecords", "sourceFormat", "ignoreUnknownValues", "autodetect"),
    *("timePartitioning", "clustering", "sourceUris", "encoding", "allowJaggedRows"),
    *("allowQuotedNewlines", "fieldDelimiter", "quote", "nullMarker", "skipLeadingRows"),
    "parquetOptions",
}
# Of other formats, or of no matter to these.
_HARMLESS = {"preserveAsciiControlCharacters", "projectionFields", "useAvroLogicalTypes"} | {
    *("decimalTargetTypes", "labels"),
}
_REFUSED = {"schemaUpdateOptions", "rangePartitioning", "hivePartitioningOptions"} | {
    *("destinationEncryptionConfiguration", "jsonExtension", "connectionProperties"),
    *("createSession", "schemaInline", "schemaInlineFormat", "columnNameCharacterMap"),
    *("copyFilesOnly", "referenceFileSchemaUri", "fileSetSpecType", "timeZone", "dateFormat"),
    *("datetimeFormat", "timeFormat", "timestampFormat", "sourceColumnMatch", "nullMarkers"),
    *("timestampTargetPrecision",),
}
_WRITES = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY")
CREATES = ("CREATE_IF_NEEDED", "CREATE_NEVER")
_GZIP = b"\x1f\x8b"


def read_load(project: str, config: Mapping[str, Any], data: bytes | None) -> Load:
    """The `load` part of a JobConfiguration, with the file that came with it.

    Raises MissingField, BadValue, NotSupported.
    """
    res.check_keys("load", config, _KNOWN | _HARMLESS, _REFUSED)
    target = res.required(config, "destinationTable", "load.destinationTable")
    table = str(res.required(target, "tableId", "load.destinationTable.tableId"))
    dataset = str(res.required(target, "datasetId", "load.destinationTable.datasetId"))
    table, decorated, partition = table.partition("$")
    schema = config.get("schema")
    return Load(
        project=project,
        destination=Name(target.get("projectId") or project, dataset, table),
        data=_data(config, data),
        open=_format(config),
        partition=partition if decorated else None,
        fields=parse_schema(schema) if schema else None,
        autodetect=bool(config.get("autodetect")),
        write=one_of(config, "load", "writeDisposition", _WRITES),
        create=one_of(config, "load", "createDisposition", CREATES),
        max_bad=res.integer(config.get("maxBadRecords") or 0, "load.maxBadRecords"),
        ignore_unknown=bool(config.get("ignoreUnknownValues")),
        layout={key: config[key] for key in ("timePartitioning", "clustering") if config.get(key)},
        properties=_properties(config.get("destinationTableProperties") or {}),
    )


def _format(config: Mapping[str, Any]) -> Callable[[bytes], File]:
    kind = config.get("sourceFormat") or "CSV"
    if kind == "NEWLINE_DELIMITED_JSON":
        return Lines
    if kind == "CSV":
        return partial(CsvFile, options=_csv_options(config))
    if kind == "PARQUET":
        options = config.get("parquetOptions") or {}
        res.check_keys("load.parquetOptions", options, ("enableListInference", "enumAsString"), ())
        return partial(ParquetFile, lists=bool(options.get("enableListInference")))
    what = f"load of {kind}; only CSV, NEWLINE_DELIMITED_JSON and PARQUET"
    raise NotSupported(what, "load.sourceFormat")


def _csv_options(config: Mapping[str, Any]) -> CsvOptions:
    delimiter, quote = config.get("fieldDelimiter") or ",", config.get("quote", '"')
    delimiter = {"\\t": "\t", "tab": "\t"}.get(str(delimiter), str(delimiter))
    for key, value, most in (("fieldDelimiter", delimiter, 1), ("quote", quote or "", 1)):
        if len(value) > most:
            raise NotSupported(f"{key} {value!r} of more than one character", f"load.{key}")
    skip = config.get("skipLeadingRows")
    return CsvOptions(
        delimiter=delimiter,
        quote=quote or "",
        skip=None if skip in (None, "") else res.integer(skip, "load.skipLeadingRows"),
        null_marker=str(config.get("nullMarker") or ""),
        newlines=bool(config.get("allowQuotedNewlines")),
        jagged=bool(config.get("allowJaggedRows")),
    )


def _data(config: Mapping[str, Any], data: bytes | None) -> bytes:
    if str(config.get("encoding") or "UTF-8").upper() not in ("UTF-8", "UTF8"):
        raise NotSupported(f"load in encoding {config['encoding']}; only UTF-8", "load.encoding")
    uris = config.get("sourceUris") or []
    if uris:
        what = f"load from {uris[0]}; download it and upload the file with the job"
        raise NotSupported(what, "load.sourceUris")
    if data is None:
        raise MissingField("load.sourceUris")
    return _unzip(data) if data.startswith(_GZIP) else data


def _unzip(data: bytes) -> bytes:
    """A gzip file's content. Raises BadValue, RequestTooLarge."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacking.decompress(data, MAX_UPLOAD + 1)
    except zlib.error as error:
        raise BadValue("media", "gzip", str(error)) from error
    if len(unpacked) > MAX_UPLOAD:
        raise RequestTooLarge(MAX_UPLOAD)
    if not unpacking.eof or unpacking.unused_data:
        raise BadValue("media", "gzip", "cut off, or of several parts")
    return unpacked


def one_of(config: Mapping[str, Any], part: str, key: str, choices: tuple[str, ...]) -> str:
    """The value of `key`, or the first of the choices. Raises BadValue calling it `part`.key."""
    value = str(config.get(key) or choices[0])
    if value not in choices:
        raise BadValue(f"{part}.{key}", value, f"one of {', '.join(choices)}")
    return value


def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    known = ("description", "friendlyName", "labels", "expirationTime")
    res.check_keys("destination table", resource, known, ())
    return resource


def statistics(loaded: Loaded) -> dict[str, str]:
    """JobStatistics3."""
    return {
        "inputFiles": "1",
        "inputFileBytes": str(loaded.read_bytes),
        "outputRows": str(loaded.rows),
        "outputBytes": str(loaded.size),
        "badRecords": str(loaded.bad),
    }
