"""The calls that bring content: all at once, or resumable."""

from __future__ import annotations

from urllib.parse import quote

from localgcp.asgi import Reply, Request, Route, json_object
from localgcp.storage.domain import names
from localgcp.storage.domain.buckets import Buckets
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import Resource
from localgcp.storage.domain.uploads import Chunk, Uploads
from localgcp.storage.errors import Invalid, NotSupported
from localgcp.storage.wire import access, multipart
from localgcp.storage.wire.requests import MAX_DOCUMENT, refuse_keys, resource_reply

_UPLOAD = "/upload/storage/v1/b/{bucket}/o"


class UploadCalls:
    """Of the page "Uploads and downloads" of Cloud Storage's documentation."""

    def __init__(self, buckets: Buckets, objects: Objects, uploads: Uploads) -> None:
        self._buckets, self._objects, self._uploads = buckets, objects, uploads

    def routes(self) -> list[Route]:
        """For the front; apitools, and so gsutil, has a path of its own."""
        return [
            route
            for path in (_UPLOAD, "/resumable" + _UPLOAD)
            for route in (
                Route("POST", path, self._upload),
                Route("PUT", path, self._upload_chunk),
                Route("DELETE", path, self._upload_cancel),
            )
        ]

    async def _upload(self, request: Request, bucket: str) -> Reply:
        """By uploadType: all in one request, or the beginning of a resumable one."""
        refuse_keys(request)
        names.bucket(bucket)
        kind = request.query.get("uploadType")
        if request.query.get("upload_id"):
            return await self._upload_chunk(request, bucket)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise NotSupported("a compressed request body")
        if kind == "resumable":
            return await self._upload_begin(request, bucket)
        if kind == "multipart":
            boundary = multipart.boundary_of(request.headers.get("content-type", ""))
            upload = await multipart.split_upload(request.stream(), boundary)
            fields, content = json_object(upload.metadata), upload.content
            fields.setdefault("contentType", upload.content_type or None)
        elif kind == "media":
            fields, content = {"contentType": request.headers.get("content-type")}, request.stream()
        else:
            raise Invalid("uploadType", kind, "it is media, multipart or resumable")
        place = _upload_place(request, bucket, fields)
        found = await self._objects.store(place, fields, content, Conditions.of(request.query))
        return resource_reply(request, found)

    async def _upload_begin(self, request: Request, bucket: str) -> Reply:
        fields = await request.json(MAX_DOCUMENT)
        if content_type := request.headers.get("x-upload-content-type"):
            fields.setdefault("contentType", content_type)
        place = _upload_place(request, bucket, fields)
        await self._buckets.get(bucket)
        conditions = {n: v for n, v in request.query.items() if n.startswith("if")}
        id_ = self._uploads.begin(place, fields, conditions)
        path = f"{request.root}/upload/storage/v1/b/{bucket}/o"
        location = f"{path}?uploadType=resumable&name={quote(place.name, safe='')}&upload_id={id_}"
        headers = ((b"location", location.encode()), (b"x-guploader-uploadid", id_.encode()))
        return Reply(200, b"", headers)

    async def _upload_chunk(self, request: Request, bucket: str) -> Reply:
        chunk = Chunk.of(request.headers.get("content-range", ""), request.length)
        id_ = request.query.get("upload_id", "")
        size, found = await self._uploads.add(id_, chunk, request.stream())
        if found is not None:
            return resource_reply(request, found)
        headers = [(b"range", f"bytes=0-{size - 1}".encode())] if size else []
        if "x-guploader-no-308" in request.headers:
            return Reply(200, b"", [*headers, (b"x-http-status-code-override", b"308")])
        return Reply(308, b"", headers)

    async def _upload_cancel(self, request: Request, bucket: str) -> Reply:
        self._uploads.cancel(request.query.get("upload_id", ""))
        return Reply(499)  # as Cloud Storage answers: the client closed the request


def _upload_place(request: Request, bucket: str, fields: Resource) -> Place:
    """Where an upload goes; the query's name is above the metadata's, as are other fields."""
    access.predefined(request.query, fields)
    if encoding := request.query.get("contentEncoding"):
        fields["contentEncoding"] = encoding
    if request.query.get("kmsKeyName"):
        raise NotSupported("kmsKeyName of an object")
    return Place.checked(bucket, request.query.get("name") or fields.get("name"), "name")
