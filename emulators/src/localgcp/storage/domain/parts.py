"""Uploads in parts: each in a file until all are named, then stored as one object.

By the page "XML API multipart uploads". Parts come in any order and at once; a part that comes
again replaces the one before. The files' names say number and MD5, so that a kill loses nothing.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

from localgcp.storage.disk.records import Records, UploadRecord
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import Resource, writable
from localgcp.storage.domain.uploads import PREFIX, NoSuchUpload, read
from localgcp.storage.errors import Invalid

MAX_PARTS = 10_000
MIN_PART = 5 * 1024 * 1024
"""Of all parts but the last."""
_KIND = "parts."
"""Begins the ids, so that none is a resumable upload's."""


@dataclass(frozen=True)
class Part:
    """A part that is here; checksums in Base64, the ETag is its MD5 in hexadecimal."""

    etag: str
    md5: str
    crc32c: str


class PartUploads:
    """All uploads in parts under way, their files below `root`."""

    def __init__(self, root: Path, objects: Objects, records: Records) -> None:
        self._root, self._objects, self._records = root, objects, records

    def begin(self, place: Place, fields: Resource) -> str:
        """Begin an upload; answers with its id. Raises Invalid, NotSupported."""
        id_ = _KIND + secrets.token_urlsafe(24)
        self._records.put_upload(UploadRecord(id_, *place.key, writable(fields), {}))
        return id_

    async def add(self, id_: str, place: Place, number: int, pieces: AsyncIterator[bytes]) -> Part:
        """Take a part. Raises NoSuchUpload, Invalid."""
        self._upload(id_, place)
        if not 1 <= number <= MAX_PARTS:
            raise Invalid("partNumber", number, f"it is from 1 to {MAX_PARTS}")
        md5, crc32c = hashlib.md5(usedforsecurity=False), google_crc32c.Checksum()
        coming = self._root / f"{PREFIX}{id_}.{number}.{secrets.token_hex(8)}.coming"
        try:
            with coming.open("xb") as file:
                async for piece in pieces:
                    md5.update(piece)
                    crc32c.update(piece)
                    file.write(piece)
            before = self._files(id_, number)
            here = self._root / f"{PREFIX}{id_}.{number}.{md5.hexdigest()}"
            coming.replace(here)
        finally:
            coming.unlink(missing_ok=True)
        for file_before in before:
            if file_before != here:
                file_before.unlink(missing_ok=True)
        return Part(md5.hexdigest(), _base64(md5.digest()), _base64(crc32c.digest()))

    async def complete(
        self, id_: str, place: Place, parts: Sequence[tuple[int, str]], conditions: Conditions
    ) -> Resource:
        """Store the object of the parts that are named, by number and ETag, in this order.

        Raises NoSuchUpload, Invalid, and what storing raises.
        """
        upload = self._upload(id_, place)
        if not parts or [number for number, _ in parts] != sorted({n for n, _ in parts}):
            raise Invalid("Part", parts, "each number is named once, in ascending order")
        files = [self._file(id_, number, etag) for number, etag in parts]
        for (number, _), file in list(zip(parts, files, strict=True))[:-1]:
            if file.stat().st_size < MIN_PART:
                raise Invalid(
                    "Part", number, f"all but the last have {MIN_PART} bytes or more (too small)"
                )
        # By the same page such an object has no MD5.
        found = await self._objects.store(
            place, upload.resource, _joined(files), conditions, {"md5Hash": None}
        )
        self._forget(id_)
        return found

    def cancel(self, id_: str, place: Place) -> None:
        """Forget an upload and its parts. Raises NoSuchUpload."""
        self._upload(id_, place)
        self._forget(id_)

    def _upload(self, id_: str, place: Place) -> UploadRecord:
        upload = self._records.upload(id_) if id_.startswith(_KIND) else None
        if upload is None or (upload.bucket, upload.name) != place.key:
            raise NoSuchUpload(id_)
        return upload

    def _file(self, id_: str, number: int, etag: str) -> Path:
        found = self._files(id_, number)
        if not found or not found[0].name.endswith(f".{etag}"):
            raise Invalid("Part", number, f"no part of this number has the ETag {etag!r}")
        return found[0]

    def _files(self, id_: str, number: int | str = "*") -> list[Path]:
        found = self._root.glob(f"{PREFIX}{id_}.{number}.*")
        return [file for file in found if not file.name.endswith(".coming")]

    def _forget(self, id_: str) -> None:
        self._records.drop_upload(id_)
        for file in self._files(id_):
            file.unlink(missing_ok=True)


async def _joined(files: Sequence[Path]) -> AsyncIterator[bytes]:
    for file in files:
        async for piece in read(file):
            yield piece


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
