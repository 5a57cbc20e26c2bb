"""The XML API, as far as signed URLs and public links use it."""

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
from localgcp.storage.wire.requests import refuse_keys

_PATH = "/{bucket}/{object*}"
_RESERVED = ("storage", "upload", "download", "resumable", "batch", "_internal", "discovery")


class XmlCalls:
    """Reads, writes and deletes of one object; `missing` answers for paths that are no bucket's."""

    def __init__(self, objects: Objects, calls: ObjectCalls, missing: Handler) -> None:
        self._objects, self._calls, self._missing = objects, calls, missing

    def routes(self) -> list[Route]:
        """For the front, after all others."""
        return [
            Route("GET", _PATH, self._read),
            Route("HEAD", _PATH, self._read),
            Route("PUT", _PATH, self._write),
            Route("DELETE", _PATH, self._delete),
        ]

    async def _read(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._calls.read(request, bucket, object))

    async def _write(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._store(request, bucket, object))

    async def _delete(self, request: Request, bucket: str, object: str) -> Reply:
        return await self._xml(request, bucket, self._calls.delete(request, bucket, object))

    async def _xml(self, request: Request, bucket: str, answer: Any) -> Reply:
        if bucket in _RESERVED:
            answer.close()
            return await self._missing(request)
        try:
            for name in ("uploads", "uploadId", "partNumber", "acl", "tagging"):
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
        given = {
            "ifGenerationMatch": request.headers.get("x-goog-if-generation-match", ""),
            "ifMetagenerationMatch": request.headers.get("x-goog-if-metageneration-match", ""),
        }
        prefix = "x-goog-meta-"
        fields: Resource = {
            "contentType": request.headers.get("content-type"),
            "contentEncoding": request.headers.get("content-encoding"),
            "contentDisposition": request.headers.get("content-disposition"),
            "contentLanguage": request.headers.get("content-language"),
            "cacheControl": request.headers.get("cache-control"),
            "storageClass": request.headers.get("x-goog-storage-class"),
            "md5Hash": request.headers.get("content-md5"),
            "metadata": {
                name.removeprefix(prefix): value
                for name, value in request.headers.items()
                if name.startswith(prefix)
            }
            or None,
        }
        found = await self._objects.store(
            Place.checked(bucket, object), fields, request.stream(), Conditions.of(given)
        )
        return Reply(200, b"", ((b"x-goog-generation", found["generation"].encode()),))
