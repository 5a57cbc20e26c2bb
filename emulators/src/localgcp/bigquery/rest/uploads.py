"""A file that comes with a job: whole in a multipart request, or in parts by a resumable upload.

Source: Media uploads for Google APIs ("Multipart uploads", "Resumable uploads").
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from localgcp.bigquery.errors import BadValue, RequestTooLarge, UploadNotFound

MAX_UPLOAD = 256 * 1024 * 1024  # held in memory until it is loaded
MAX_OPEN = 8
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(slots=True)
class Upload:
    """One resumable upload: the Job resource it began with, and what has come so far."""

    resource: Mapping[str, Any]
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """The resumable uploads under way; the oldest gives way when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Upload] = OrderedDict()

    def begin(self, resource: Mapping[str, Any]) -> str:
        """Its id."""
        id_ = uuid.uuid4().hex
        with self._lock:
            self._open[id_] = Upload(resource)
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        return id_

    def add(self, id_: str, content_range: str, part: bytes) -> tuple[Upload, bool]:
        """Take the next part; answer whether it was the last, after which the id is forgotten.

        A part that came before is taken once. Raises UploadNotFound, BadValue, RequestTooLarge.
        """
        match = _RANGE.fullmatch(content_range or f"bytes 0-{len(part) - 1}/{len(part)}")
        if match is None:
            raise BadValue("Content-Range", content_range, "bytes FIRST-LAST/TOTAL")
        first, _, total = match.groups()
        with self._lock:
            upload = self._open.get(id_)
            if upload is None:
                raise UploadNotFound(id_)
            if first is not None:
                _append(upload.data, int(first), part)
            done = total != "*" and len(upload.data) == int(total)
            if done:
                del self._open[id_]
        return upload, done


def _append(data: bytearray, first: int, part: bytes) -> None:
    if first > len(data):
        raise BadValue("Content-Range", first, f"{len(data)} bytes have come so far")
    if first + len(part) > MAX_UPLOAD:
        raise RequestTooLarge(MAX_UPLOAD)
    data += part[len(data) - first :]


def split_multipart(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    """The resource's JSON and the file of a multipart/related body. Raises BadValue."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise BadValue("Content-Type", content_type, "multipart/related with a boundary")
    # A line break before each boundary belongs to it, not to the part.
    parts = re.split(
        rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*\r?\n?", body
    )
    contents = [re.split(rb"\r?\n\r?\n", part, maxsplit=1) for part in parts if part.strip()]
    if len(contents) != 2 or any(len(part) != 2 for part in contents):
        raise BadValue("body", f"{len(contents)} parts", "a Job resource and a file")
    return contents[0][1], contents[1][1]
