"""Who may do what: IAM policies and access control lists, kept and shown, and held against nobody.

Every client may do everything here, as coverage.md says; a program that sets and reads its
policies finds what it set. By the pages "Buckets" (IAM methods), "BucketAccessControls",
"DefaultObjectAccessControls" and "ObjectAccessControls" of the JSON API.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from localgcp.asgi import Reply, Request, Route
from localgcp.storage.domain import names
from localgcp.storage.domain.buckets import OWNER, Buckets
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place
from localgcp.storage.errors import Conflict, Invalid, NotFound

MAX_DOCUMENT = 1024 * 1024
_PREDEFINED: dict[str, list[dict[str, str]]] = {
    "private": [],
    "projectPrivate": [],
    "publicRead": [{"entity": "allUsers", "role": "READER"}],
    "publicReadWrite": [{"entity": "allUsers", "role": "WRITER"}],
    "authenticatedRead": [{"entity": "allAuthenticatedUsers", "role": "READER"}],
    "bucketOwnerFullControl": [],
    "bucketOwnerRead": [],
}
_ROLES = ("OWNER", "WRITER", "READER")
Acl = list[dict[str, Any]]


def predefined(
    query: Mapping[str, str],
    fields: dict[str, Any],
    bucket: bool = False,
    parameter: str = "predefinedAcl",
) -> None:
    """Put the list that a predefined name stands for into the fields. Raises Invalid."""
    wanted = {parameter: "acl"}
    if bucket:
        wanted["predefinedDefaultObjectAcl"] = "defaultObjectAcl"
    for name, field in wanted.items():
        if given := query.get(name):
            if given not in _PREDEFINED:
                raise Invalid(name, given, f"it is one of {', '.join(_PREDEFINED)}")
            fields[field] = [OWNER, *_PREDEFINED[given]]


class Access:
    """The routes of policies and lists."""

    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets, self._objects = buckets, objects

    def routes(self) -> list[Route]:
        """For the front."""
        bucket = "/storage/v1/b/{bucket}"
        found = [
            Route("GET", bucket + "/iam", self._policy_get),
            Route("PUT", bucket + "/iam", self._policy_set),
            Route("GET", bucket + "/iam/testPermissions", self._permissions),
        ]
        for path, kind in (
            (bucket + "/acl", "acl"),
            (bucket + "/defaultObjectAcl", "defaultObjectAcl"),
            (bucket + "/o/{object}/acl", "object"),
        ):
            lists = _Lists(self._load(kind), self._save(kind))
            found += [
                Route("GET", path, lists.list_),
                Route("POST", path, lists.insert),
                Route("GET", path + "/{entity}", lists.get),
                Route("PUT", path + "/{entity}", lists.update),
                Route("PATCH", path + "/{entity}", lists.update),
                Route("DELETE", path + "/{entity}", lists.delete),
            ]
        return found

    async def _policy_get(self, request: Request, bucket: str) -> Reply:
        record = await self._buckets.record(names.bucket(bucket))
        return Reply.json(_policy(bucket, record.fields.get("iam") or {}))

    async def _policy_set(self, request: Request, bucket: str) -> Reply:
        given = await request.json(MAX_DOCUMENT)
        record = await self._buckets.record(names.bucket(bucket))
        current = _policy(bucket, record.fields.get("iam") or {})
        if given.get("etag") not in (None, "", current["etag"]):
            raise Conflict("The policy was changed since it was read: its etag is another.")
        if not isinstance(given.get("bindings", []), list):
            raise Invalid("bindings", given["bindings"], "a list of bindings")
        kept: dict[str, Any] = {n: given[n] for n in ("bindings", "version") if n in given}
        self._buckets.keep(bucket, {"iam": kept})
        return Reply.json(_policy(bucket, kept))

    async def _permissions(self, request: Request, bucket: str) -> Reply:
        await self._buckets.get(names.bucket(bucket))
        asked = [value for name, value in request.pairs if name == "permissions"]
        answer = {"kind": "storage#testIamPermissionsResponse", "permissions": asked}
        return Reply.json(answer)

    def _load(self, kind: str) -> Callable[..., Awaitable[Acl]]:
        async def load(bucket: str, object: str = "") -> Acl:
            await self._buckets.has_lists(names.bucket(bucket))
            if kind == "object":
                found = await self._objects.get(Place.checked(bucket, object), Conditions({}))
                return list(found.get("acl") or [OWNER])
            record = await self._buckets.record(names.bucket(bucket))
            return list(record.fields.get(kind) or [OWNER])

        return load

    def _save(self, kind: str) -> Callable[..., Awaitable[None]]:
        async def save(acl: Acl, bucket: str, object: str = "") -> None:
            if kind == "object":
                place = Place.checked(bucket, object)
                await self._objects.patch(place, {"acl": acl}, Conditions({}))
            else:
                self._buckets.keep(bucket, {kind: acl})

        return save


class _Lists:
    """The six methods that the three kinds of lists share."""

    def __init__(
        self, load: Callable[..., Awaitable[Acl]], save: Callable[..., Awaitable[None]]
    ) -> None:
        self._load, self._save = load, save

    async def list_(self, request: Request, **where: str) -> Reply:
        items = [_entry(each, **where) for each in await self._load(**where)]
        return Reply.json({"kind": "storage#accessControls", "items": items})

    async def get(self, request: Request, entity: str, **where: str) -> Reply:
        for each in await self._load(**where):
            if each["entity"] == entity:
                return Reply.json(_entry(each, **where))
        raise NotFound(f"No such access control: {entity}")

    async def insert(self, request: Request, **where: str) -> Reply:
        given = await request.json(MAX_DOCUMENT)
        return await self._put(given.get("entity"), given.get("role"), where)

    async def update(self, request: Request, entity: str, **where: str) -> Reply:
        given = await request.json(MAX_DOCUMENT)
        return await self._put(entity, given.get("role"), where)

    async def delete(self, request: Request, entity: str, **where: str) -> Reply:
        acl = await self._load(**where)
        rest = [each for each in acl if each["entity"] != entity]
        if len(rest) == len(acl):
            raise NotFound(f"No such access control: {entity}")
        await self._save(rest, **where)
        return Reply(204)

    async def _put(self, entity: object, role: object, where: Mapping[str, str]) -> Reply:
        if not isinstance(entity, str) or not entity:
            raise Invalid("entity", entity, "it is such as user-EMAIL or allUsers")
        if role not in _ROLES:
            raise Invalid("role", role, f"it is one of {', '.join(_ROLES)}")
        rest = [each for each in await self._load(**where) if each["entity"] != entity]
        made = {"entity": entity, "role": role}
        await self._save([*rest, made], **where)
        return Reply.json(_entry(made, **where))


def _entry(entry: Mapping[str, Any], bucket: str, object: str = "") -> dict[str, Any]:
    kind = "storage#objectAccessControl" if object else "storage#bucketAccessControl"
    found = {"kind": kind, "bucket": bucket, **entry}
    return {**found, "object": object} if object else found


def _policy(bucket: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    document = {"version": 1, "bindings": [], **kept}
    etag = base64.b64encode(zlib.crc32(orjson.dumps(document)).to_bytes(4, "big")).decode()
    return {
        "kind": "storage#policy",
        "resourceId": f"projects/_/buckets/{bucket}",
        "etag": etag,
        **document,
    }
