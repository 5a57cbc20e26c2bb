"""A dataset: what the API says of it, and what it hands down to its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.errors import BadValue

_ID = re.compile(r"[A-Za-z0-9_]{1,1024}")

# Stored and shown, never enforced: the emulator knows no identities, bills nothing, and has no
# time travel.
_UNENFORCED = ("access", "maxTimeTravelHours", "storageBillingModel")
_TRAVEL_HOURS = range(48, 169, 24)
_KNOWN = {"description", "friendlyName", "labels", "location", "defaultTableExpirationMs"}
_REFUSED = (
    "defaultEncryptionConfiguration",
    "externalDatasetReference",
    "linkedDatasetSource",
    "isCaseInsensitive",
    "defaultCollation",
    "defaultRoundingMode",
    "resourceTags",
    "externalCatalogDatasetOptions",
)
_OUTPUT = (
    *("kind", "etag", "id", "selfLink", "datasetReference", "creationTime", "lastModifiedTime"),
    *("satisfiesPzs", "satisfiesPzi", "type", "defaultPartitionExpirationMs"),
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset; times are milliseconds since the epoch, `None` means not set."""

    project: str
    id: str
    created_ms: int
    modified_ms: int
    location: str = "US"
    description: str | None = None
    friendly_name: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    table_expiration_ms: int | None = None
    partition_expiration_ms: int | None = None
    access: tuple[dict[str, Any], ...] = ()
    travel_hours: int | None = None
    billing_model: str | None = None

    @property
    def etag(self) -> str:
        """Changes with every change of what the client may set."""
        return resources.etag(self.to_resource(etag=False))

    def to_resource(self, etag: bool = True) -> dict[str, Any]:
        """The API's Dataset."""
        resource: dict[str, Any] = {
            "kind": "bigquery#dataset",
            "id": f"{self.project}:{self.id}",
            "datasetReference": {"projectId": self.project, "datasetId": self.id},
            "creationTime": str(self.created_ms),
            "lastModifiedTime": str(self.modified_ms),
            "location": self.location,
            "type": "DEFAULT",
            "access": list(self.access),
        }
        optional = {
            "description": self.description,
            "friendlyName": self.friendly_name,
            "labels": self.labels or None,
            "defaultTableExpirationMs": resources.text(self.table_expiration_ms),
            "defaultPartitionExpirationMs": resources.text(self.partition_expiration_ms),
            "maxTimeTravelHours": resources.text(self.travel_hours),
            "storageBillingModel": self.billing_model,
        }
        resource |= {key: value for key, value in optional.items() if value is not None}
        return resource | ({"etag": self.etag} if etag else {})


def parse(project: str, resource: Mapping[str, Any], now_ms: int) -> Dataset:
    """A new dataset from the API's Dataset. Raises MissingField, BadValue, NotSupported."""
    reference = resource.get("datasetReference") or {}
    id_ = resources.required(reference, "datasetId", "datasetReference.datasetId")
    resources.check_id("datasetId", id_, _ID)
    blank = Dataset(reference.get("projectId") or project, id_, now_ms, now_ms)
    return apply(blank, resource, now_ms)


def apply(dataset: Dataset, resource: Mapping[str, Any], now_ms: int) -> Dataset:
    """`dataset` as the resource wants it: absent keeps, null clears."""
    resources.check_keys("dataset", resource, (*_KNOWN, *_UNENFORCED, *_OUTPUT), _REFUSED)
    location = str(resource.get("location") or dataset.location)
    return replace(
        dataset,
        modified_ms=now_ms,
        location=location.upper() if location.lower() in ("us", "eu") else location,
        description=resource.get("description", dataset.description),
        friendly_name=resource.get("friendlyName", dataset.friendly_name),
        labels=resources.merge_labels(dataset.labels, resource),
        table_expiration_ms=resources.duration(
            resource, "defaultTableExpirationMs", dataset.table_expiration_ms
        ),
        partition_expiration_ms=resources.duration(
            resource, "defaultPartitionExpirationMs", dataset.partition_expiration_ms
        ),
        travel_hours=_travel_hours(dataset, resource),
        billing_model=resource.get("storageBillingModel", dataset.billing_model),
        access=tuple(resource["access"] or ()) if "access" in resource else dataset.access,
    )


def _travel_hours(dataset: Dataset, resource: Mapping[str, Any]) -> int | None:
    """The hours of time travel that a patch asks for.

    Raises BadValue for hours that are not two to seven whole days.
    """
    hours = resources.duration(resource, "maxTimeTravelHours", dataset.travel_hours)
    if hours is not None and hours not in _TRAVEL_HOURS:
        raise BadValue("maxTimeTravelHours", hours, "a multiple of 24 from 48 to 168")
    return hours
