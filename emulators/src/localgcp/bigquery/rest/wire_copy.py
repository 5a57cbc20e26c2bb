"""Copy jobs on the wire: JobConfigurationTableCopy in, JobStatistics' part `copy` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import NotSupported
from localgcp.bigquery.jobs.copies import Copied, Copy
from localgcp.bigquery.rest.wire_load import CREATES, one_of

_KNOWN = ("sourceTable", "sourceTables", "destinationTable", "createDisposition")
_MORE = ("writeDisposition", "operationType", "labels")
_REFUSED = ("destinationEncryptionConfiguration", "destinationExpirationTime")
_WRITES = ("WRITE_EMPTY", "WRITE_APPEND", "WRITE_TRUNCATE")


def read_copy(project: str, config: Mapping[str, Any]) -> Copy:
    """The `copy` part of a JobConfiguration. Raises MissingField, BadValue, NotSupported."""
    resources.check_keys("copy", config, (*_KNOWN, *_MORE), _REFUSED)
    kind = config.get("operationType") or "COPY"
    if kind not in ("COPY", "OPERATION_TYPE_UNSPECIFIED"):
        raise NotSupported(f"copy job of operationType {kind}", "copy.operationType")
    sources = config.get("sourceTables") or [
        resources.required(config, "sourceTable", "copy.sourceTable")
    ]
    target = resources.required(config, "destinationTable", "copy.destinationTable")
    return Copy(
        project=project,
        sources=tuple(_name(project, source, "copy.sourceTables") for source in sources),
        destination=_name(project, target, "copy.destinationTable"),
        write=one_of(config, "copy", "writeDisposition", _WRITES),
        create=one_of(config, "copy", "createDisposition", CREATES),
    )


def _name(project: str, reference: Mapping[str, Any], where: str) -> Name:
    table = str(resources.required(reference, "tableId", f"{where}.tableId"))
    if "$" in table or "@" in table:
        raise NotSupported(f"copy of the decorated table {table}", f"{where}.tableId")
    dataset = str(resources.required(reference, "datasetId", f"{where}.datasetId"))
    return Name(str(reference.get("projectId") or project), dataset, table)


def statistics(copied: Copied) -> dict[str, str]:
    """JobStatistics5."""
    return {"copiedRows": str(copied.rows), "copiedLogicalBytes": str(copied.size)}
