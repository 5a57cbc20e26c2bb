"""Load jobs on the wire: JobConfigurationLoad in, JobStatistics3 out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.schema import parse_schema
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, Invalid, MissingField
from localgcp.bigquery.jobs.load_files import LoadSource
from localgcp.bigquery.jobs.load_schema import ADDITION, RELAXATION
from localgcp.bigquery.jobs.loads import TRUNCATE, Load, Loaded
from localgcp.bigquery.jobs.objects import parse_uri
from localgcp.bigquery.rest.wire_formats import reader

_KNOWN = {"schema", "destinationTable", "destinationTableProperties", "createDisposition"} | {
    *("writeDisposition", "maxBadRecords", "sourceFormat", "ignoreUnknownValues", "autodetect"),
    *(
        "timePartitioning",
        "rangePartitioning",
        "clustering",
        "sourceUris",
        "encoding",
        "allowJaggedRows",
    ),
    *("allowQuotedNewlines", "fieldDelimiter", "quote", "nullMarker", "skipLeadingRows"),
    *("parquetOptions", "schemaUpdateOptions", "useAvroLogicalTypes", "decimalTargetTypes"),
}
# Of other formats, or of no matter to these.
_HARMLESS = {"preserveAsciiControlCharacters", "projectionFields", "labels"}
_REFUSED = {"hivePartitioningOptions"} | {
    *("destinationEncryptionConfiguration", "jsonExtension", "connectionProperties"),
    *("createSession", "schemaInline", "schemaInlineFormat", "columnNameCharacterMap"),
    *("copyFilesOnly", "referenceFileSchemaUri", "fileSetSpecType", "timeZone", "dateFormat"),
    *("datetimeFormat", "timeFormat", "timestampFormat", "sourceColumnMatch", "nullMarkers"),
    *("timestampTargetPrecision",),
}
_WRITES = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY")
LAYOUT = ("timePartitioning", "rangePartitioning", "clustering")
CREATES = ("CREATE_IF_NEEDED", "CREATE_NEVER")
_UPDATES = (ADDITION, RELAXATION)


def read_load(project: str, config: Mapping[str, Any], data: bytes | None) -> Load:
    """The `load` part of a JobConfiguration, with the file that came with it.

    Raises MissingField, BadValue, NotSupported.
    """
    resources.check_keys("load", config, _KNOWN | _HARMLESS, _REFUSED)
    target = resources.required(config, "destinationTable", "load.destinationTable")
    table = str(resources.required(target, "tableId", "load.destinationTable.tableId"))
    dataset = str(resources.required(target, "datasetId", "load.destinationTable.datasetId"))
    table, decorated, partition = table.partition("$")
    schema = config.get("schema")
    return Load(
        project=project,
        destination=Name(target.get("projectId") or project, dataset, table),
        source=_source(config, data),
        open=reader(config),
        partition=partition if decorated else None,
        fields=parse_schema(schema) if schema else None,
        autodetect=bool(config.get("autodetect")),
        updates=updates(config, bool(decorated), "load"),
        write=one_of(config, "load", "writeDisposition", _WRITES),
        create=one_of(config, "load", "createDisposition", CREATES),
        max_bad=resources.integer(config.get("maxBadRecords") or 0, "load.maxBadRecords"),
        ignore_unknown=bool(config.get("ignoreUnknownValues")),
        layout={key: config[key] for key in LAYOUT if config.get(key)},
        properties=_properties(config.get("destinationTableProperties") or {}),
    )


def _source(config: Mapping[str, Any], data: bytes | None) -> LoadSource:
    """The objects that are named, or the file that came. Raises MissingField, BadValue."""
    uris = config.get("sourceUris") or []
    if not isinstance(uris, list):
        raise BadValue("load.sourceUris", uris, "a list of URIs")
    if uris and data is not None:
        raise BadValue("load.sourceUris", uris, "a file came with the job, too")
    if not uris and data is None:
        raise MissingField("load.sourceUris")
    return LoadSource(data, tuple(parse_uri(uri, "load.sourceUris") for uri in uris))


def updates(config: Mapping[str, Any], decorated: bool, part: str) -> frozenset[str]:
    """schemaUpdateOptions. Raises BadValue, Invalid where the write disposition takes none."""
    options = config.get("schemaUpdateOptions") or []
    for option in options:
        if option not in _UPDATES:
            raise BadValue(f"{part}.schemaUpdateOptions", option, f"one of {', '.join(_UPDATES)}")
    default = "WRITE_APPEND" if part == "load" else "WRITE_EMPTY"
    write = str(config.get("writeDisposition") or default)
    if options and write != "WRITE_APPEND" and not (write == TRUNCATE and decorated):
        raise Invalid(
            "Schema update options should only be specified with WRITE_APPEND disposition, or with"
            " WRITE_TRUNCATE disposition on a table partition.",
            f"{part}.schemaUpdateOptions",
        )
    return frozenset(options)


def one_of(config: Mapping[str, Any], part: str, key: str, choices: tuple[str, ...]) -> str:
    """The value of `key`, or the first of the choices. Raises BadValue calling it `part`.key."""
    value = str(config.get(key) or choices[0])
    if value not in choices:
        raise BadValue(f"{part}.{key}", value, f"one of {', '.join(choices)}")
    return value


def _properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    known = ("description", "friendlyName", "labels", "expirationTime")
    resources.check_keys("destination table", resource, known, ())
    return resource


def statistics(loaded: Loaded) -> dict[str, str]:
    """JobStatistics3."""
    return {
        "inputFiles": str(loaded.files),
        "inputFileBytes": str(loaded.read_bytes),
        "outputRows": str(loaded.rows),
        "outputBytes": str(loaded.size),
        "badRecords": str(loaded.bad),
    }
