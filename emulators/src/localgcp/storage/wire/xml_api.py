"""The XML API, as far as signed URLs, public links and uploads in parts use it."""

from __future__ import annotations

from typing import Any

from localgcp.asgi import ClientGone, Handler, Reply, Request, Route
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import Resource
from localgcp.storage.errors import NotSupported
from localgcp.storage.wire import answers
from localgcp.storage.wire.object_calls import ObjectCalls
from localgcp.storage.wire.part_calls import PartCalls
from localgcp.storage.wire.requests import refuse_keys

_PATH = "/{bucket}/{object*}"
_META = "x-goog-meta-"
_RESERVED = ("storage", "upload", "download", "resumable", "batch", "_internal", "discovery")


class XmlCalls:
    """Reads, writes and deletes of one object; `missing` answers for paths that are no bucket's."""

    def __init__(
        self, objects: Objects, calls: ObjectCalls, parts: PartCalls, missing: Handler
    ) -> None:
        self._objects, self._calls, self._parts = objects, calls, parts
        self._missing = missing

    def routes(self) -> list[Route]:
        """For the front, after all others."""
        return [
            Route("GET", _PATH, self._read),
            Route("HEAD", _PATH, self._read),
            Route("PUT", _PATH, self._write),
            Route("POST", _PATH, self._post),
            Route("DELETE", _PATH, self._delete),
        ]

    async def _read(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._calls.read(request, bucket, object))

    async def _write(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._store(request, bucket, object))

    async def _post(self, request: Request, bucket: str, object: str) -> Reply:
        if not ("uploads" in request.query or "uploadId" in request.query):
            return await self._missing(request)
        return await self._xml(request, bucket, self._in_parts(request, bucket, object))

    async def _delete(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._remove(request, bucket, object))

    async def _xml(self, request: Request, bucket: str, answer: Any) -> Reply:
        if bucket in _RESERVED:
            answer.close()
            return await self._missing(request)
        try:
            for name in ("acl", "tagging"):
                if name in request.query:
                    answer.close()
                    raise NotSupported(f"{name} in the XML API")
            reply: Reply = await answer
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - each is answered, in XML
            return answers.failed_xml(error)
        return reply

    async def _store(self, request: Request, bucket: str, object: str) -> Reply:
        refuse_keys(request)
        if "x-goog-copy-source" in request.headers:
            raise NotSupported("x-goog-copy-source")
        place = Place.checked(bucket, object)
        if "partNumber" in request.query:
            return await self._parts.add(request, place)
        fields = {**_fields(request), "md5Hash": request.headers.get("content-md5")}
        found = await self._objects.store(place, fields, request.stream(), _conditions(request))
        return Reply(200, b"", ((b"x-goog-generation", found["generation"].encode()),))

    async def _in_parts(self, request: Request, bucket: str, object: str) -> Reply:
        refuse_keys(request)
        place = Place.checked(bucket, object)
        if "uploads" in request.query:
            if "x-goog-encryption-kms-key-name" in request.headers:
                raise NotSupported("kmsKeyName of an object")
            return await self._parts.begin(place, _fields(request))
        return await self._parts.complete(request, place, _conditions(request))

    async def _remove(self, request: Request, bucket: str, object: str) -> Reply:
        if "uploadId" in request.query:
            return self._parts.cancel(request, Place.checked(bucket, object))
        return await self._calls.delete(request, bucket, object)


def _conditions(request: Request) -> Conditions:
    return Conditions.of(
        {
            "ifGenerationMatch": request.headers.get("x-goog-if-generation-match", ""),
            "ifMetagenerationMatch": request.headers.get("x-goog-if-metageneration-match", ""),
        }
    )


def _fields(request: Request) -> Resource:
    """The metadata that headers give a new object."""
    metadata = {
        name.removeprefix(_META): value
        for name, value in request.headers.items()
        if name.startswith(_META)
    }
    return {
        "contentType": request.headers.get("content-type"),
        "contentEncoding": request.headers.get("content-encoding"),
        "contentDisposition": request.headers.get("content-disposition"),
        "contentLanguage": request.headers.get("content-language"),
        "cacheControl": request.headers.get("cache-control"),
        "storageClass": request.headers.get("x-goog-storage-class"),
        "customTime": request.headers.get("x-goog-custom-time"),
        "metadata": metadata or None,
    }
