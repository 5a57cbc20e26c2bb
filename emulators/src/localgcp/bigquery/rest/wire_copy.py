"""Copy jobs on the wire: JobConfigurationTableCopy in, JobStatistics' part `copy` out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue
from localgcp.bigquery.jobs.copies import Copied, Copy, Place
from localgcp.bigquery.rest.call import undecorated
from localgcp.bigquery.rest.wire_load import CREATES, one_of

_KNOWN = ("sourceTable", "sourceTables", "destinationTable", "createDisposition")
_MORE = ("writeDisposition", "operationType", "labels", "destinationExpirationTime")
_REFUSED = ("destinationEncryptionConfiguration",)
_OPERATIONS = ("COPY", "SNAPSHOT", "CLONE", "RESTORE")
_UNSPECIFIED = "OPERATION_TYPE_UNSPECIFIED"
_WRITES = ("WRITE_EMPTY", "WRITE_APPEND", "WRITE_TRUNCATE")


def read_copy(project: str, config: Mapping[str, Any]) -> Copy:
    """The `copy` part of a JobConfiguration. Raises MissingField, BadValue, NotSupported."""
    resources.check_keys("copy", config, (*_KNOWN, *_MORE), _REFUSED)
    kind = str(config.get("operationType") or _UNSPECIFIED).replace(_UNSPECIFIED, "COPY")
    if kind not in _OPERATIONS:
        raise BadValue("copy.operationType", kind, f"one of {', '.join(_OPERATIONS)}")
    sources = config.get("sourceTables") or [
        resources.required(config, "sourceTable", "copy.sourceTable")
    ]
    target = resources.required(config, "destinationTable", "copy.destinationTable")
    return Copy(
        project=project,
        sources=tuple(_place(project, source, "copy.sourceTables") for source in sources),
        destination=_place(project, target, "copy.destinationTable"),
        write=one_of(config, "copy", "writeDisposition", _WRITES),
        create=one_of(config, "copy", "createDisposition", CREATES),
        operation=kind,
        expiration_ms=_moment(config.get("destinationExpirationTime")),
    )


def _place(project: str, reference: Mapping[str, Any], where: str) -> Place:
    table = str(resources.required(reference, "tableId", f"{where}.tableId"))
    dataset = str(resources.required(reference, "datasetId", f"{where}.datasetId"))
    return Place(*undecorated(Name(str(reference.get("projectId") or project), dataset, table)))


def _moment(text: object) -> int | None:
    """A time as RFC 3339 or as milliseconds. Raises BadValue."""
    if not text:
        return None
    try:
        return round(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        return resources.integer(text, "copy.destinationExpirationTime")


def statistics(copied: Copied) -> dict[str, str]:
    """JobStatistics5."""
    return {"copiedRows": str(copied.rows), "copiedLogicalBytes": str(copied.size)}
