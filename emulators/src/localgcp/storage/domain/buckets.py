"""Buckets: the binary has a folder for each, the front its fields.

Shapes by the page "Buckets" of the JSON API. What would have to be enforced and is not is refused;
what Cloud Storage does in the background (lifecycle, logging, autoclass) is kept and shown only.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from localgcp.storage.disk.records import BucketRecord, Records
from localgcp.storage.disk.upstream import Upstream
from localgcp.storage.domain import names, public_access
from localgcp.storage.domain.conditions import Conditions, State
from localgcp.storage.domain.resource import STORAGE_CLASSES, Resource, now
from localgcp.storage.errors import BinaryFailed, Conflict, Invalid, NoSuchBucket, NotSupported

SHOWN = frozenset(
    {
        *("acl", "defaultObjectAcl", "autoclass", "billing", "cors", "customPlacementConfig"),
        *("defaultEventBasedHold", "iamConfiguration", "labels", "lifecycle", "location"),
        *("logging", "rpo", "storageClass", "website", "softDeletePolicy", "locationType"),
    }
)
NEEDS_MORE = {
    "encryption": "encryption of a bucket",
    "retentionPolicy": "retentionPolicy of a bucket",
    "objectRetention": "objectRetention of a bucket",
    "ipFilter": "ipFilter of a bucket",
}
FIXED = ("location", "customPlacementConfig", "locationType")
OWNER = {"entity": "project-owners-0", "role": "OWNER"}
HIDDEN = ("acl", "defaultObjectAcl", "iam")
MULTI_REGIONS = ("US", "EU", "ASIA")
DUAL_REGIONS = ("ASIA1", "EUR4", "EUR5", "EUR7", "EUR8", "NAM4")
PREVENTIONS = ("inherited", "enforced", "unspecified")
_LABELS = "labels"


class Buckets:
    """All buckets of one binary."""

    def __init__(self, upstream: Upstream, records: Records) -> None:
        self._upstream, self._records = upstream, records

    async def get(self, bucket: str, conditions: Conditions = Conditions({})) -> Resource:  # noqa: B008
        """A bucket's resource. Raises NoSuchBucket, PreconditionFailed, NotModified."""
        status, raw = await self._upstream.document("GET", f"/storage/v1/b/{bucket}")
        if status == 404:
            raise NoSuchBucket(bucket)
        found = self._shown(_expect(status, raw))
        conditions.check(State(metageneration=int(found["metageneration"])), reading=True)
        return found

    async def record(self, bucket: str) -> BucketRecord:
        """What the front keeps of it. Raises NoSuchBucket."""
        await self.get(bucket)
        return self._records.bucket(bucket)

    async def lists(self, bucket: str) -> Resource:
        """Its access control lists, which are shown to who asks for all. Raises Invalid."""
        record = await self.record(bucket)
        return {name: record.fields.get(name) or [OWNER] for name in ("acl", "defaultObjectAcl")}

    async def has_lists(self, bucket: str) -> None:
        """Look whether access control lists hold for the bucket.

        Raises Invalid where uniform bucket-level access takes their place.
        """
        record = await self.record(bucket)
        uniform = record.fields.get("iamConfiguration", {}).get("uniformBucketLevelAccess") or {}
        if uniform.get("enabled"):
            raise Invalid("bucket", bucket, "it has uniform bucket-level access, and so no ACL")

    def keep(self, bucket: str, changes: Mapping[str, Any]) -> None:
        """Set what is not shown with the bucket: its policy, its lists.

        Raises PublicAccessPrevented.
        """
        record = self._records.bucket(bucket)
        public_access.check(record, changes)
        fields = {**record.fields, **changes}
        self._records.put_bucket(bucket, BucketRecord(record.metageneration + 1, fields))

    async def list_(self, prefix: str) -> list[Resource]:
        """All whose name begins with `prefix`, by name."""
        status, raw = await self._upstream.document("GET", "/storage/v1/b")
        items = sorted(_expect(status, raw).get("items") or (), key=lambda each: str(each["name"]))
        return [self._shown(each) for each in items if each["name"].startswith(prefix)]

    async def insert(self, fields: Mapping[str, Any]) -> Resource:
        """Make a bucket. Raises Invalid, Conflict, NotSupported."""
        name = names.bucket(fields.get("name"), "name")
        kept = {key: value for key, value in _writable(fields).items() if value is not None}
        _with_moments(kept, {})
        document = orjson.dumps({"name": name})
        status, raw = await self._upstream.document("POST", "/storage/v1/b", document)
        if status == 409:
            raise Conflict(f"The bucket {name} exists already, and you own it.")
        _expect(status, raw)
        self._records.put_bucket(name, BucketRecord(1, kept))
        return self._shown(raw)

    async def patch(
        self, bucket: str, fields: Mapping[str, Any], conditions: Conditions, whole: bool = False
    ) -> Resource:
        """Change fields: a new metageneration. With `whole`, what is not given goes."""
        changes = _writable(fields)
        await self.get(bucket)
        # From here on nothing waits, so no other change comes between.
        record = self._records.bucket(bucket)
        conditions.check(State(metageneration=record.metageneration))
        for name in FIXED:
            if name in changes and changes[name] != record.fields.get(name, changes[name]):
                raise Invalid(name, changes[name], "a bucket stays where it was made")
        kept = {n: record.fields[n] for n in (*FIXED, *HIDDEN) if n in record.fields}
        before = kept if whole else record.fields
        after = {**before, **changes}
        if not whole and changes.get(_LABELS) is not None:
            after[_LABELS] = {**before.get(_LABELS, {}), **changes[_LABELS]}
        if after.get(_LABELS):
            after[_LABELS] = {k: v for k, v in after[_LABELS].items() if v is not None}
        after = {name: value for name, value in after.items() if value is not None}
        changed = replace(record, metageneration=record.metageneration + 1, fields=after)
        public_access.check(changed, changes)
        _with_moments(after, before)
        after["updated"] = now()
        self._records.put_bucket(bucket, changed)
        return await self.get(bucket)

    async def delete(self, bucket: str, conditions: Conditions) -> None:
        """Delete an empty bucket. Raises NoSuchBucket, Conflict where it is not empty."""
        await self.get(bucket)
        record = self._records.bucket(bucket)
        conditions.check(State(metageneration=record.metageneration))
        status, raw = await self._upstream.document("DELETE", f"/storage/v1/b/{bucket}")
        if status in (409, 412):
            raise Conflict("The bucket you tried to delete is not empty.")
        if status == 404:
            raise NoSuchBucket(bucket)
        _expect(status, raw)
        self._records.drop_bucket(bucket)

    def _shown(self, raw: Mapping[str, Any]) -> Resource:
        record = self._records.bucket(raw["name"])
        fields = {n: v for n, v in record.fields.items() if n not in HIDDEN}
        if fields.get("locationType") != "region":
            fields.setdefault("rpo", "DEFAULT")
        return {
            "kind": "storage#bucket",
            "id": raw["name"],
            "name": raw["name"],
            "projectNumber": "0",
            "location": "US",
            "locationType": "multi-region",
            "storageClass": "STANDARD",
            "timeCreated": raw["timeCreated"],
            "updated": raw["timeCreated"],
            **fields,
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": False},
                "publicAccessPrevention": "inherited",
                **(fields.get("iamConfiguration") or {}),
            },
            "metageneration": str(record.metageneration),
            "etag": base64.b64encode(str(record.metageneration).encode()).decode(),
        }


def _with_moments(after: Resource, before: Mapping[str, Any]) -> None:
    """Add to policies what the server adds: since when they hold, and a default."""
    wanted, had = after.get("autoclass"), before.get("autoclass") or {}
    if wanted:
        found = {**had, **wanted}
        if found.get("enabled"):
            found.setdefault("terminalStorageClass", "NEARLINE")
        if found.get("enabled") != had.get("enabled"):
            found["toggleTime"] = now()
        if found.get("terminalStorageClass") != had.get("terminalStorageClass"):
            found["terminalStorageClassUpdateTime"] = now()
        after["autoclass"] = found
    deleting = after.get("softDeletePolicy")
    if deleting and deleting != before.get("softDeletePolicy"):
        after["softDeletePolicy"] = {**deleting, "effectiveTime": now()}


def _writable(fields: Mapping[str, Any]) -> Resource:
    for name, what in NEEDS_MORE.items():
        if fields.get(name):
            raise NotSupported(what)
    for name, what in (
        ("versioning", "object versioning"),
        ("hierarchicalNamespace", "hierarchical namespace"),
    ):
        value = fields.get(name)
        if isinstance(value, dict) and value.get("enabled"):
            raise NotSupported(what)
    found = {name: value for name, value in fields.items() if name in SHOWN}
    storage_class = found.get("storageClass")
    if storage_class is not None and storage_class not in STORAGE_CLASSES:
        raise Invalid("storageClass", storage_class, f"it is one of {', '.join(STORAGE_CLASSES)}")
    for name in ("labels", "lifecycle", "iamConfiguration", "logging", "website", "billing"):
        if not isinstance(found.get(name), dict | None):
            raise Invalid(name, found[name], "it is an object")
    prevention = (found.get("iamConfiguration") or {}).get("publicAccessPrevention", "inherited")
    if prevention not in PREVENTIONS:
        raise Invalid(
            "iamConfiguration.publicAccessPrevention",
            prevention,
            f"it is one of {', '.join(PREVENTIONS)}",
        )
    if isinstance(found.get("location"), str):
        found["location"] = found["location"].upper()
        found["locationType"] = _location_type(found)
    return found


def _location_type(fields: Mapping[str, Any]) -> str:
    """By the page "Bucket locations"."""
    if fields.get("customPlacementConfig") or fields["location"] in DUAL_REGIONS:
        return "dual-region"
    return "multi-region" if fields["location"] in MULTI_REGIONS else "region"


def _expect(status: int, raw: Resource) -> Resource:
    if status >= 300:
        raise BinaryFailed(f"fake-gcs-server answered {status}: {raw.get('error')}")
    return raw
