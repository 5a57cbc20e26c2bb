"""From the domain to HTTP: errors to statuses, an object's metadata to headers."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterable
from xml.sax.saxutils import escape

from localgcp.asgi import BodyTooLarge, Reply, RequestError
from localgcp.storage.disk.records import ObjectRecord
from localgcp.storage.errors import (
    BinaryFailed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotModified,
    NotSupported,
    PreconditionFailed,
    PublicAccessPrevented,
    StorageError,
)

log = logging.getLogger(__name__)

# By the page "HTTP status and error codes for JSON".
_STATUSES: tuple[tuple[type[Exception], int, str], ...] = (
    (NotSupported, 400, "notImplemented"),
    (Invalid, 400, "invalid"),
    (NotFound, 404, "notFound"),
    (Conflict, 409, "conflict"),
    (Forbidden, 403, "forbidden"),
    (PreconditionFailed, 412, "conditionNotMet"),
    (PublicAccessPrevented, 412, "conditionNotMet"),
    (BinaryFailed, 503, "backendError"),
    (BodyTooLarge, 413, "uploadTooLarge"),
    (RequestError, 400, "parseError"),
)
_XML_CODES = {404: "NoSuchKey", 412: "PreconditionFailed", 503: "ServiceUnavailable"}
_HEADERS = {
    "contentType": b"content-type",
    "cacheControl": b"cache-control",
    "contentDisposition": b"content-disposition",
    "contentLanguage": b"content-language",
}
_META = b"x-goog-meta-"
# Of this connection only; or, as to other origins, not the binary's to allow.
_DROPPED = (b"connection", b"transfer-encoding", b"keep-alive", b"date", b"etag")


def failed(error: Exception) -> Reply:
    """Google's JSON of an error, with its status."""
    if isinstance(error, NotModified):
        return Reply(304)
    status, reason = _status(error)
    message = str(error)
    if status == 500:
        log.error("internal error", exc_info=error)
        message = f"internal error: {type(error).__name__}: {error}"
    told = {"message": message, "domain": "global", "reason": reason}
    return Reply.json({"error": {"code": status, "message": message, "errors": [told]}}, status)


def failed_xml(error: Exception) -> Reply:
    """The XML API's shape of the same."""
    if isinstance(error, NotModified):
        return Reply(304)
    status, _ = _status(error)
    code = _XML_CODES.get(status, "InvalidArgument")
    text = (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>"
        f"<Message>{escape(str(error))}</Message></Error>"
    )
    headers = ((b"content-type", b"application/xml; charset=UTF-8"),)
    return Reply(status, text.encode(errors="replace"), headers)


def _status(error: Exception) -> tuple[int, str]:
    for kind, status, reason in _STATUSES:
        if isinstance(error, kind):
            return status, reason
    assert not isinstance(error, StorageError), error
    return 500, "internalError"


def content_headers(
    headers: Iterable[tuple[bytes, bytes]], record: ObjectRecord
) -> list[tuple[bytes, bytes]]:
    """The binary's headers of a content, as the front answers with them."""
    fields = record.fields
    replaced = {_HEADERS[name] for name in fields if name in _HEADERS}
    kept = []
    for name, value in headers:
        if name in _DROPPED or name in replaced or name.startswith(b"access-control-"):
            continue
        if name.startswith(_META) and "metadata" in fields:
            continue
        if name == b"x-goog-hash" and fields.get("md5Hash", "") is None:
            value = value.partition(b",md5=")[0]  # noqa: PLW2901
        kept.append((name, value))
    for field, header in _HEADERS.items():
        if fields.get(field):
            kept.append((header, _line(fields[field])))
    for name, value in (fields.get("metadata") or {}).items():
        kept.append((_META + _line(name), _line(value)))
    etag = base64.b64encode(f"{record.generation}/{record.metageneration}".encode())
    return [
        *kept,
        (b"etag", b'"' + etag + b'"'),
        (b"x-goog-metageneration", str(record.metageneration).encode()),
        (b"x-goog-storage-class", _line(fields.get("storageClass") or "STANDARD")),
    ]


def _line(text: str) -> bytes:
    """A header's text; what no header can hold is left out."""
    return "".join(each for each in text if each >= " ").encode()
