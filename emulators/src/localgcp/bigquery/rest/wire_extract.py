"""Extract jobs on the wire: JobConfigurationExtract in, JobStatistics4 out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, MissingField, NotSupported
from localgcp.bigquery.jobs.extract_files import COMPRESSIONS, Form
from localgcp.bigquery.jobs.extracts import Extract, Extracted
from localgcp.bigquery.jobs.objects import parse_uri
from localgcp.bigquery.rest.wire_load import one_of

_KNOWN = {"sourceTable", "destinationUri", "destinationUris", "printHeader", "labels"} | {
    *("fieldDelimiter", "destinationFormat", "compression", "useAvroLogicalTypes"),
}
_REFUSED = ("sourceModel", "modelExtractOptions")


def read_extract(project: str, config: Mapping[str, Any]) -> Extract:
    """The `extract` part of a JobConfiguration. Raises MissingField, BadValue, NotSupported."""
    resources.check_keys("extract", config, _KNOWN, _REFUSED)
    source = resources.required(config, "sourceTable", "extract.sourceTable")
    uris = config.get("destinationUris") or [config.get("destinationUri")]
    if uris == [None]:
        raise MissingField("extract.destinationUris")
    table = str(resources.required(source, "tableId", "extract.sourceTable.tableId"))
    if "@" in table:
        raise NotSupported(f"extract of the decorated table {table}", "extract.sourceTable.tableId")
    dataset = str(resources.required(source, "datasetId", "extract.sourceTable.datasetId"))
    table, decorated, partition = table.partition("$")
    name = Name(str(source.get("projectId") or project), dataset, table)
    found = tuple(parse_uri(uri, "extract.destinationUris") for uri in uris)
    if len(found) > 1 and not all("*" in uri.name for uri in found):
        raise BadValue("extract.destinationUris", list(uris), "of several, each has a wildcard")
    return Extract(project, name, found, _form(config), partition if decorated else None)


def _form(config: Mapping[str, Any]) -> Form:
    kind = one_of(config, "extract", "destinationFormat", tuple(COMPRESSIONS))
    delimiter = str(config.get("fieldDelimiter") or ",")
    header = config.get("printHeader")
    return Form(
        format=kind,
        compression=one_of(config, "extract", "compression", COMPRESSIONS[kind]),
        delimiter={"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter),
        header=header is None or str(header).lower() == "true",
        logical=bool(config.get("useAvroLogicalTypes")),
    )


def statistics(extracted: Extracted) -> dict[str, Any]:
    """JobStatistics4."""
    return {
        "destinationUriFileCounts": [str(count) for count in extracted.files],
        "inputBytes": str(extracted.read_bytes),
    }
