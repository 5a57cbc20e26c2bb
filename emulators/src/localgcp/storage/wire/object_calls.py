"""The calls on objects: metadata, content, copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.storage.domain import names
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.copies import Copies
from localgcp.storage.domain.listings import Listings
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place, Source
from localgcp.storage.domain.resource import Resource, linked
from localgcp.storage.errors import Invalid, NotSupported
from localgcp.storage.wire import access, answers
from localgcp.storage.wire.requests import (
    MAX_DOCUMENT,
    UnknownPath,
    page_size,
    refuse_keys,
    resource_reply,
    soft_deleted,
)

_O = "/storage/v1/b/{bucket}/o/{object}"
_PASSED = ("range", "accept-encoding")


class ObjectCalls:
    """Of the page "Objects" of the JSON API."""

    def __init__(self, objects: Objects, copies: Copies, listings: Listings) -> None:
        self._objects, self._copies, self._listings = objects, copies, listings

    def routes(self) -> list[Route]:
        """For the front."""
        target = "/b/{target_bucket}/o/{target}"
        return [
            Route("GET", _O, self._object_get),
            Route("HEAD", _O, self.read),
            Route("GET", "/download" + _O, self.read),
            Route("HEAD", "/download" + _O, self.read),
            Route("DELETE", _O, self.delete),
            Route("PATCH", _O, self._object_patch),
            Route("PUT", _O, self._object_update),
            Route("POST", _O, self._object_post),
            Route("GET", "/storage/v1/b/{bucket}/o", self._objects_list),
            Route("POST", _O + "/rewriteTo" + target, self._rewrite),
            Route("POST", _O + "/copyTo" + target, self._copy),
            Route("POST", _O + "/moveTo/o/{target}", self._move),
            Route("POST", _O + "/compose", self._compose),
            Route("POST", _O + "/restore", self._restore),
        ]

    async def _objects_list(self, request: Request, bucket: str) -> Reply:
        query = dict(request.query)
        query["maxResults"] = str(page_size(request))
        page = await self._listings.page(names.bucket(bucket), query)
        if "items" in page:
            page["items"] = [linked(each, request.root) for each in page["items"]]
        return Reply.json(page)

    async def _object_get(self, request: Request, bucket: str, object: str) -> Reply:
        if request.query.get("alt") == "media":
            return await self.read(request, bucket, object)
        if soft_deleted(request):
            raise NotSupported("soft delete")
        place, conditions = Place.checked(bucket, object), Conditions.of(request.query)
        found = await self._objects.get(place, conditions)
        return resource_reply(request, found)

    async def read(self, request: Request, bucket: str, object: str) -> Reply:
        """The content, as it streams."""
        refuse_keys(request)
        headers = [(name, request.headers[name]) for name in _PASSED if name in request.headers]
        place = Place.checked(bucket, object)
        answer, record = await self._objects.read(
            place, Conditions.of(request.query), headers, request.method
        )
        if answer.status == 416 and not answer.header(b"content-range"):
            # The binary leaves out how long it is, which clients need to know an empty one.
            found = await self._objects.find(place)
            answer.headers.append(
                (b"content-range", b"bytes */%d" % (int(found["size"]) if found else 0))
            )
        return Reply(
            answer.status, answer.stream(), answers.content_headers(answer.headers, record)
        )

    async def delete(self, request: Request, bucket: str, object: str) -> Reply:
        """Delete one object."""
        await self._objects.delete(Place.checked(bucket, object), Conditions.of(request.query))
        return Reply(204)

    async def _object_post(self, request: Request, bucket: str, object: str) -> Reply:
        if request.headers.get("x-http-method-override") != "PATCH":
            raise UnknownPath(request.method, request.path)
        return await self._object_patch(request, bucket, object)

    async def _object_patch(
        self,
        request: Request,
        bucket: str,
        object: str,
        replace: bool = False,
    ) -> Reply:
        place, fields = Place.checked(bucket, object), await request.json(MAX_DOCUMENT)
        access.predefined(request.query, fields)
        conditions = Conditions.of(request.query)
        return resource_reply(
            request, await self._objects.patch(place, fields, conditions, replace)
        )

    async def _object_update(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._object_patch(request, bucket, object, replace=True)

    async def _restore(self, request: Request, bucket: str, object: str) -> Reply:
        raise NotSupported("soft delete")

    async def _copied(
        self,
        request: Request,
        bucket: str,
        object: str,
        target_bucket: str,
        target: str,
    ) -> Resource:
        refuse_keys(request)
        fields = await request.json(MAX_DOCUMENT)
        access.predefined(request.query, fields, parameter="destinationPredefinedAcl")
        if request.query.get("destinationKmsKeyName"):
            raise NotSupported("kmsKeyName of an object")
        source = Source(Place.checked(bucket, object), Conditions.of(request.query, source=True))
        place = Place.checked(target_bucket, target, "destinationObject")
        return await self._copies.copy(source, place, fields, Conditions.of(request.query))

    async def _copy(self, request: Request, **path: str) -> Reply:
        return resource_reply(request, await self._copied(request, **path))

    async def _rewrite(self, request: Request, **path: str) -> Reply:
        found = await self._copied(request, **path)
        return Reply.json(
            {
                "kind": "storage#rewriteResponse",
                "totalBytesRewritten": found["size"],
                "objectSize": found["size"],
                "done": True,
                "resource": linked(found, request.root),
            }
        )

    async def _move(self, request: Request, bucket: str, object: str, target: str) -> Reply:
        source = Source(Place.checked(bucket, object), Conditions.of(request.query, source=True))
        place = Place.checked(bucket, target, "destinationObject")
        found = await self._copies.move(source, place, Conditions.of(request.query))
        return resource_reply(request, found)

    async def _compose(self, request: Request, bucket: str, object: str) -> Reply:
        refuse_keys(request)
        asked = await request.json(MAX_DOCUMENT)
        fields = dict(asked.get("destination") or {})
        access.predefined(request.query, fields, parameter="destinationPredefinedAcl")
        listed = asked.get("sourceObjects") or []
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise Invalid("sourceObjects", listed, "a list of objects")
        if asked.get("deleteSourceObjects"):
            raise NotSupported("deleteSourceObjects")
        sources = [_compose_source(bucket, each) for each in listed]
        found = await self._copies.compose(
            Place.checked(bucket, object), sources, fields, Conditions.of(request.query)
        )
        return resource_reply(request, found)


def _compose_source(bucket: str, given: Mapping[str, Any]) -> Source:
    conditions = {
        "generation": str(given.get("generation") or ""),
        "ifGenerationMatch": str(
            (given.get("objectPreconditions") or {}).get("ifGenerationMatch", "")
        ),
    }
    place = Place.checked(bucket, given.get("name"), "sourceObjects.name")
    return Source(place, Conditions.of(conditions))
