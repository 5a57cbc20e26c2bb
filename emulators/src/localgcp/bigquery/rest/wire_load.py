"""Load jobs on the wire: JobConfigurationLoad in, JobStatistics3 out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resource as res
from localgcp.bigquery.catalog.schema import parse_schema
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, MissingField, NotSupported
from localgcp.bigquery.jobs.loads import Load, Loaded

_KNOWN = {"schema", "destinationTable", "destinationTableProperties", "createDisposition"} | {
    *("writeDisposition", "maxBadRecords", "sourceFormat", "ignoreUnknownValues", "autodetect"),
    *("timePartitioning", "clustering", "sourceUris", "encoding"),
}
# Of other formats, or of no matter to this one.
_HARMLESS = {"allowJaggedRows", "allowQuotedNewlines", "fieldDelimiter", "quote", "nullMarker"} | {
    *("skipLeadingRows", "preserveAsciiControlCharacters", "parquetOptions", "projectionFields"),
    *("useAvroLogicalTypes", "decimalTargetTypes", "labels"),
}
_REFUSED = {"schemaUpdateOptions", "rangePartitioning", "hivePartitioningOptions"} | {
    *("destinationEncryptionConfiguration", "jsonExtension", "connectionProperties"),
    *("createSession", "schemaInline", "schemaInlineFormat", "columnNameCharacterMap"),
    *("copyFilesOnly", "referenceFileSchemaUri", "fileSetSpecType", "timeZone", "dateFormat"),
    *("datetimeFormat", "timeFormat", "timestampFormat", "sourceColumnMatch", "nullMarkers"),
    *("timestampTargetPrecision",),
}
_WRITES = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY")
_CREATES = ("CREATE_IF_NEEDED", "CREATE_NEVER")
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
        partition=partition if decorated else None,
        fields=parse_schema(schema) if schema else None,
        autodetect=bool(config.get("autodetect")),
        write=_one_of(config, "writeDisposition", _WRITES),
        create=_one_of(config, "createDisposition", _CREATES),
        max_bad=res.integer(config.get("maxBadRecords") or 0, "load.maxBadRecords"),
        ignore_unknown=bool(config.get("ignoreUnknownValues")),
        layout={key: config[key] for key in ("timePartitioning", "clustering") if config.get(key)},
        properties=_properties(config.get("destinationTableProperties") or {}),
    )


def _data(config: Mapping[str, Any], data: bytes | None) -> bytes:
    kind = config.get("sourceFormat") or "CSV"
    if kind != "NEWLINE_DELIMITED_JSON":
        raise NotSupported(f"load of {kind}; only NEWLINE_DELIMITED_JSON", "load.sourceFormat")
    if str(config.get("encoding") or "UTF-8").upper() not in ("UTF-8", "UTF8"):
        raise NotSupported(f"load in encoding {config['encoding']}; only UTF-8", "load.encoding")
    uris = config.get("sourceUris") or []
    if uris:
        what = f"load from {uris[0]}; download it and upload the file with the job"
        raise NotSupported(what, "load.sourceUris")
    if data is None:
        raise MissingField("load.sourceUris")
    if data.startswith(_GZIP):
        raise NotSupported("load of a gzip file; unpack it", "media")
    return data


def _one_of(config: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = str(config.get(key) or choices[0])
    if value not in choices:
        raise BadValue(f"load.{key}", value, f"one of {', '.join(choices)}")
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
