"""The XML API's calls for an object that is uploaded in parts."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape

from localgcp.asgi import Reply, Request
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.parts import PartUploads
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import Resource
from localgcp.storage.errors import Invalid
from localgcp.storage.wire.requests import MAX_DOCUMENT

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_XML = (b"content-type", b"application/xml; charset=UTF-8")


class PartCalls:
    """Of the page "XML API multipart uploads"."""

    def __init__(self, parts: PartUploads) -> None:
        self._parts = parts

    async def begin(self, place: Place, fields: Resource) -> Reply:
        """POST ?uploads: the upload's id."""
        id_ = self._parts.begin(place, fields)
        return _document("InitiateMultipartUploadResult", place, UploadId=id_)

    async def add(self, request: Request, place: Place) -> Reply:
        """PUT ?partNumber=&uploadId=: the part's ETag and checksums, as headers."""
        number = request.query["partNumber"]
        if not (number.isascii() and number.isdigit()):
            raise Invalid("partNumber", number, "it is a whole number")
        id_ = request.query.get("uploadId", "")
        part = await self._parts.add(id_, place, int(number), request.stream())
        return Reply(
            200,
            b"",
            (
                (b"etag", f'"{part.etag}"'.encode()),
                (b"x-goog-hash", f"crc32c={part.crc32c},md5={part.md5}".encode()),
            ),
        )

    async def complete(self, request: Request, place: Place, conditions: Conditions) -> Reply:
        """POST ?uploadId=: the object."""
        parts = _named(await request.body(MAX_DOCUMENT))
        id_ = request.query["uploadId"]
        found = await self._parts.complete(id_, place, parts, conditions)
        reply = _document("CompleteMultipartUploadResult", place, ETag=f'"{found["etag"]}"')
        generation = (b"x-goog-generation", found["generation"].encode())
        return Reply(200, reply.body, (_XML, generation))

    def cancel(self, request: Request, place: Place) -> Reply:
        """DELETE ?uploadId=."""
        self._parts.cancel(request.query["uploadId"], place)
        return Reply(204)


def _named(body: bytes) -> list[tuple[int, str]]:
    """Numbers and ETags of a CompleteMultipartUpload. Raises Invalid."""
    if b"<!" in body:
        raise Invalid("the body", body[:80], "an XML document without declarations or comments")
    try:
        root = ElementTree.fromstring(body)
        return [
            (int(_text(part, "PartNumber")), _text(part, "ETag").strip('"'))
            for part in root
            if part.tag.rpartition("}")[2] == "Part"
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise Invalid("the body", body[:80], f"a CompleteMultipartUpload ({error})") from error


def _text(part: ElementTree.Element, name: str) -> str:
    for each in part:
        if each.tag.rpartition("}")[2] == name:
            return (each.text or "").strip()
    raise ValueError(f"a Part without {name}")


def _document(kind: str, place: Place, **more: str) -> Reply:
    fields = {"Bucket": place.bucket, "Key": place.name, **more}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = f"<?xml version='1.0' encoding='UTF-8'?><{kind} xmlns='{_NAMESPACE}'>{inner}</{kind}>"
    return Reply(200, text.encode(), (_XML,))
