"""An object's resource: the binary's words, the front's record over them, and links to the front.

Shapes by the page "Objects" of the JSON API.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from localgcp.storage.disk.file_names import name_of
from localgcp.storage.disk.records import ObjectRecord, Records
from localgcp.storage.errors import Invalid, NotSupported

Resource = dict[str, Any]

BY_BINARY = frozenset(
    {
        "contentType",
        "cacheControl",
        "contentEncoding",
        "contentDisposition",
        "contentLanguage",
        "customTime",
        "storageClass",
        "metadata",
    }
)
"""Writable fields that the binary keeps when an object is stored."""
BY_FRONT = frozenset({"temporaryHold", "eventBasedHold", "contexts", "acl"})
WRITABLE = BY_BINARY | BY_FRONT
REFUSED = ("retention", "kmsKeyName", "customerEncryption")
STORAGE_CLASSES = (
    *("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"),
    *("MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"),
)


def writable(fields: Mapping[str, Any]) -> Resource:
    """What of a request's resource may be set; the rest is for the server to say.

    Raises NotSupported for what would have to be enforced, Invalid for a wrong type.
    """
    for name in REFUSED:
        if fields.get(name):
            raise NotSupported(f"{name} of an object")
    found = {name: value for name, value in fields.items() if name in WRITABLE}
    for name in BY_BINARY - {"metadata"}:
        if not isinstance(found.get(name), str | None):
            raise Invalid(name, found[name], "it is a string")
    storage_class = found.get("storageClass")
    if storage_class is not None and storage_class not in STORAGE_CLASSES:
        raise Invalid("storageClass", storage_class, f"it is one of {', '.join(STORAGE_CLASSES)}")
    metadata = found.get("metadata")
    if metadata is not None:
        if not isinstance(metadata, dict):
            raise Invalid("metadata", metadata, "it is an object of strings")
        for key, value in metadata.items():
            if not isinstance(value, str | None):
                raise Invalid(f"metadata.{key}", value, "it is a string")
    return found


def stored(fields: Mapping[str, Any]) -> Resource:
    """The same as a new object keeps it: nothing that is null."""
    kept = {name: value for name, value in fields.items() if value is not None}
    if "metadata" in kept:
        kept["metadata"] = {k: v for k, v in kept["metadata"].items() if v is not None}
    return kept


def recorded(raw: Mapping[str, Any], records: Records) -> Resource:
    """The resource of what the binary answers with, under the object's own name."""
    name = name_of(raw["name"])
    record = records.object_(raw["bucket"], name, int(raw["generation"]))
    return merged({**raw, "name": name}, record)


def merged(raw: Mapping[str, Any], record: ObjectRecord) -> Resource:
    """The binary's resource with the record's fields over it, and what follows from both."""
    found = {name: value for name, value in raw.items() if name not in ("selfLink", "mediaLink")}
    found.pop("acl", None)
    for name, value in record.fields.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    generation, metageneration = str(raw["generation"]), str(record.metageneration)
    found["generation"], found["metageneration"] = generation, metageneration
    found["id"] = f"{raw['bucket']}/{raw['name']}/{generation}"
    found["etag"] = base64.b64encode(f"{generation}/{metageneration}".encode()).decode()
    found.setdefault("timeFinalized", found.get("timeCreated"))
    return found


def linked(resource: Resource, root: str) -> Resource:
    """With links that lead to `root`, the front as this client calls it."""
    bucket, name = resource["bucket"], quote(resource["name"], safe="")
    path = f"storage/v1/b/{bucket}/o/{name}"
    return {
        **resource,
        "selfLink": f"{root}/{path}",
        "mediaLink": f"{root}/download/{path}?generation={resource['generation']}&alt=media",
    }


def patched(current: Mapping[str, Any], record: ObjectRecord, changes: Resource) -> ObjectRecord:
    """The record after a patch: a null removes a field, and `metadata` is merged key by key.

    Raises NotSupported where the binary would have to know.
    """
    for name in ("contentEncoding", "storageClass"):
        if name in changes and changes[name] != current.get(name):
            raise NotSupported(f"a patch of {name}; rewrite the object")
    fields = {**record.fields, **changes}
    metadata = changes.get("metadata")
    if metadata is not None:
        both = {**current.get("metadata", {}), **metadata}
        fields["metadata"] = {k: v for k, v in both.items() if v is not None} or None
    fields["updated"] = now()
    return ObjectRecord(record.generation, record.metageneration + 1, fields)


def now() -> str:
    """The time as resources write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
