"""A table or a view: its resource, the parts of it a client may set, and how it may change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from localgcp.bigquery.catalog import partitioning, resources, schema
from localgcp.bigquery.catalog.partitioning import Partitioning, TimePartitioning
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue, NotSupported, SchemaChangeRefused

_ID = re.compile(r"[\w\- ]{1,1024}")
_MAX_CLUSTERING = 4
_CLUSTERABLE = {"STRING", "INTEGER", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "DATE", "TIMESTAMP"} | {
    "DATETIME",
    "BYTES",
}
_KNOWN = {"schema", "timePartitioning", "clustering", "requirePartitionFilter", "description"} | {
    *("friendlyName", "labels", "expirationTime", "view", "rangePartitioning"),
}
_OUTPUT = {"kind", "etag", "id", "selfLink", "tableReference", "creationTime", "type"} | {
    *("lastModifiedTime", "location", "numRows", "numBytes", "numLongTermBytes", "numTotalRows"),
    *("numPhysicalBytes", "streamingBuffer", "numTimeTravelPhysicalBytes", "numTotalLogicalBytes"),
    *("numActiveLogicalBytes", "numLongTermLogicalBytes", "numPartitions", "defaultCollation"),
}
_REFUSED = {"materializedView", "externalDataConfiguration"} | {
    *("encryptionConfiguration", "tableConstraints", "maxStaleness", "resourceTags"),
    *("snapshotDefinition", "cloneDefinition", "model", "defaultRoundingMode", "biglake"),
    *("biglakeConfiguration", "externalCatalogTableOptions", "tableReplicationInfo"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A table's full name."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @property
    def is_anonymous(self) -> bool:
        """Whether it is the result of a query, held with its job."""
        return self.dataset == anonymous_dataset(self.project)

    @property
    def sql(self) -> str:
        """Where its rows are in DuckDB."""
        return f"data.{schema.quoted(f'{self.project}:{self.dataset}')}.{schema.quoted(self.table)}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The table that a snapshot or a clone was made of, and when."""

    base: Name
    at_ms: int

    def to_resource(self, time: str) -> dict[str, Any]:
        """SnapshotDefinition or CloneDefinition, whose time is called `time`."""
        base = self.base
        moment = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        reference = {"projectId": base.project, "datasetId": base.dataset, "tableId": base.table}
        return {"baseTableReference": reference, time: moment.replace("+00:00", "Z")}


def _origin(resource: Mapping[str, Any] | None, time: str) -> Origin | None:
    if not resource:
        return None
    base = resource["baseTableReference"]
    name = Name(base["projectId"], base["datasetId"], base["tableId"])
    return Origin(name, round(datetime.fromisoformat(resource[time]).timestamp() * 1000))


def anonymous_dataset(project: str) -> str:
    """The hidden dataset of the results that no query named a table for."""
    return f"_{hashlib.sha1(project.encode(), usedforsecurity=False).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table, or a view when `query` is set; times are milliseconds since the epoch."""

    name: Name
    created_ms: int
    modified_ms: int
    fields: tuple[Field, ...] = ()
    partitioning: Partitioning | None = None
    clustering: tuple[str, ...] = ()
    require_partition_filter: bool = False
    description: str | None = None
    friendly_name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    expiration_ms: int | None = None
    query: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    snapshot: Origin | None = None
    clone: Origin | None = None

    @property
    def is_view(self) -> bool:
        """Whether it is a view, which has no rows of its own."""
        return self.query is not None

    @property
    def kind(self) -> str:
        """The API's type of it."""
        if self.snapshot is not None:
            return "SNAPSHOT"
        return "VIEW" if self.is_view else "TABLE"

    @property
    def is_ingested(self) -> bool:
        """Whether its rows are in the partitions of the time at which they came."""
        return self.partitioning is not None and self.partitioning.is_ingestion

    def reads_as(self, other: Table) -> bool:
        """Whether a statement means the same of both: columns, query and partitions are alike."""
        return self is other or (
            self.name == other.name
            and self.fields == other.fields
            and self.query == other.query
            and self.partitioning == other.partitioning
            and self.require_partition_filter == other.require_partition_filter
        )

    @property
    def etag(self) -> str:
        """Changes with every change of what the client may set, not with every row."""
        return resources.etag(replace(self, modified_ms=0).settings())

    def kept(self) -> dict[str, Any]:
        """What stands on disk: `load` reads it."""
        return self.settings() | ({"iamPolicy": self.policy} if self.policy else {})

    def settings(self) -> dict[str, Any]:
        """What identifies it and what a client of the tables methods may set."""
        settings: dict[str, Any] = {
            "tableReference": {
                "projectId": self.name.project,
                "datasetId": self.name.dataset,
                "tableId": self.name.table,
            },
            "schema": {"fields": schema.to_resource(self.fields)},
            "creationTime": str(self.created_ms),
            "lastModifiedTime": str(self.modified_ms),
        }
        optional = {
            **self._layout(),
            "clustering": {"fields": list(self.clustering)} if self.clustering else None,
            "requirePartitionFilter": self.require_partition_filter or None,
            "description": self.description,
            "friendlyName": self.friendly_name,
            "labels": self.labels or None,
            "expirationTime": resources.text(self.expiration_ms),
            "view": {"query": self.query, "useLegacySql": False} if self.is_view else None,
        }
        if self.snapshot is not None:
            optional["snapshotDefinition"] = self.snapshot.to_resource("snapshotTime")
        if self.clone is not None:
            optional["cloneDefinition"] = self.clone.to_resource("cloneTime")
        return settings | {key: value for key, value in optional.items() if value is not None}

    def _layout(self) -> dict[str, Any]:
        part = self.partitioning
        if part is None:
            return {}
        kind = "timePartitioning" if isinstance(part, TimePartitioning) else "rangePartitioning"
        return {kind: part.to_resource()}

    def to_resource(self, location: str) -> dict[str, Any]:
        """The API's Table, all but its counts (numRows and numBytes)."""
        return self.settings() | {
            "kind": "bigquery#table",
            "id": str(self.name),
            "etag": self.etag,
            "type": self.kind,
            "location": location,
        }


def parse(project: str, dataset: str, resource: Mapping[str, Any], now_ms: int) -> Table:
    """A new table from the API's Table. Raises MissingField, BadValue, NotSupported."""
    reference = resource.get("tableReference") or {}
    id_ = resources.required(reference, "tableId", "tableReference.tableId")
    check_id(id_)
    resources.check_keys("table", resource, _KNOWN | _OUTPUT, _REFUSED)
    fields = schema.parse_schema(resource.get("schema") or {})
    query = _view_query(resource)
    layout = ("timePartitioning", "rangePartitioning", "clustering")
    if query is not None and any(resource.get(key) for key in layout):
        raise BadValue("view", id_, "a view is neither partitioned nor clustered")
    blank = Table(Name(project, dataset, id_), now_ms, now_ms, fields, query=query)
    blank = replace(blank, partitioning=partitioning.of_resource(resource, fields))
    return apply(blank, resource, now_ms)


def check_id(id_: str) -> None:
    """Hold a table's id against the rules.

    Raises BadValue for what no table can be called, NotSupported.
    """
    if "$" in id_:
        raise NotSupported(f"partition decorator in tableId {id_!r}", "tableReference.tableId")
    resources.check_id("tableId", id_, _ID)


def load(resource: Mapping[str, Any]) -> Table:
    """A table as `kept()` wrote it."""
    apart = ("iamPolicy", "snapshotDefinition", "cloneDefinition")
    settings = {key: value for key, value in resource.items() if key not in apart}
    reference = resource["tableReference"]
    table = parse(reference["projectId"], reference["datasetId"], settings, 0)
    return replace(
        table,
        policy=resource.get("iamPolicy", {}),
        snapshot=_origin(resource.get("snapshotDefinition"), "snapshotTime"),
        clone=_origin(resource.get("cloneDefinition"), "cloneTime"),
        created_ms=int(resource["creationTime"]),
        modified_ms=int(resource["lastModifiedTime"]),
    )


def apply(table: Table, resource: Mapping[str, Any], now_ms: int) -> Table:
    """`table` as the resource wants it: absent keeps, null clears. The schema stays."""
    # What it was made of comes back as it was read.
    own = {"snapshotDefinition", "cloneDefinition"} & table.settings().keys()
    resources.check_keys("table", resource, _KNOWN | _OUTPUT | own, _REFUSED - own)
    part = _repartition(table, resource)
    demanded = resource.get("requirePartitionFilter", table.require_partition_filter)
    nested = (resource.get("timePartitioning") or {}).get("requirePartitionFilter")
    filtered = bool(demanded if nested is None else nested)
    if filtered and part is None:
        raise BadValue("requirePartitionFilter", True, "the table is not partitioned")
    return replace(
        table,
        modified_ms=now_ms,
        partitioning=part,
        clustering=_clustering(table, resource),
        require_partition_filter=filtered,
        description=resource.get("description", table.description),
        friendly_name=resource.get("friendlyName", table.friendly_name),
        labels=resources.merge_labels(table.labels, resource),
        expiration_ms=resources.duration(resource, "expirationTime", table.expiration_ms),
        query=_view_query(resource) if "view" in resource else table.query,
    )


def patched_fields(table: Table, resource: Mapping[str, Any]) -> tuple[Field, ...]:
    """The schema after a patch. Raises SchemaChangeRefused when it was cleared."""
    if "schema" not in resource:
        return table.fields
    fields = schema.parse_schema(resource["schema"] or {})
    if not fields and table.fields:
        raise SchemaChangeRefused(str(table.name), "The new schema has no fields")
    return fields


def _repartition(table: Table, resource: Mapping[str, Any]) -> Partitioning | None:
    """Only the expiration of partitions can change once a table exists."""
    asked = [key for key in ("timePartitioning", "rangePartitioning") if key in resource]
    if not asked:
        return table.partitioning
    old, new = table.partitioning, partitioning.of_resource(resource, table.fields)
    if _shape(old) != _shape(new):
        why = f"the partitioning of {table.name} cannot change"
        raise BadValue(asked[0], resource[asked[0]], why)
    return new


def _shape(part: Partitioning | None) -> Partitioning | None:
    return part and replace(part, expiration_ms=None)


def _clustering(table: Table, resource: Mapping[str, Any]) -> tuple[str, ...]:
    if "clustering" not in resource:
        return table.clustering
    names = tuple((resource["clustering"] or {}).get("fields") or ())
    if len(names) > _MAX_CLUSTERING:
        raise BadValue("clustering.fields", list(names), f"at most {_MAX_CLUSTERING}")
    columns = {field.name.lower(): field for field in table.fields}
    for name in names:
        column = columns.get(str(name).lower())
        if column is None or column.repeated or column.type not in _CLUSTERABLE:
            raise BadValue(
                "clustering.fields", name, "not a top-level, unrepeated column that can be ordered"
            )
    return names


def _view_query(resource: Mapping[str, Any]) -> str | None:
    view = resource.get("view")
    if not view:
        return None
    known = ("query", "useLegacySql", "useExplicitColumnNames")
    resources.check_keys("view", view, known, ("userDefinedFunctionResources", "privacyPolicy"))
    if view.get("useLegacySql", True):
        raise NotSupported("legacy SQL in a view; set useLegacySql to false", "view.useLegacySql")
    return str(resources.required(view, "query", "view.query"))
