"""Resumable uploads: staged in a file until whole, then stored at once.

By the page "Resumable uploads". The binary holds such an upload in memory, hashes all of it again
for each chunk, forgets it with its process, and takes a question for its state as its end; so the
front stages it, and an upload goes on after a kill from what arrived.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from localgcp.storage.disk.records import Records, UploadRecord
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import Resource, writable
from localgcp.storage.errors import Invalid, NotFound

PREFIX = "UPLOAD-"
"""Of the files, beside the buckets' folders: no bucket's name has capitals."""
PIECE = 256 * 1024
REMEMBERED = 1000
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+|\*)|\*)/(?P<total>\d+|\*)")
_SHAPE = "it is bytes FIRST-LAST/TOTAL, or * for what is not known"


class NoSuchUpload(NotFound):
    """No upload has begun under this id, or it has been cancelled."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"No such upload: {id_}")


@dataclass(frozen=True)
class Chunk:
    """What a request says of the bytes that it brings; None is unknown."""

    first: int | None
    last: int | None
    total: int | None

    @classmethod
    def of(cls, content_range: str, length: int | None) -> Chunk:
        """From the header, absent where the request brings all. Raises Invalid."""
        if not content_range:
            return cls(0, None if length is None else length - 1, length)
        found = _RANGE.fullmatch(content_range)
        if found is None:
            raise Invalid("Content-Range", content_range, _SHAPE)
        first, last, total = (
            int(value) if value not in (None, "*") else None
            for value in (found["first"], found["last"], found["total"])
        )
        if None not in (last, total) and last >= total:  # type: ignore[operator]
            raise Invalid("Content-Range", content_range, "the last byte is before the total")
        return cls(first, last, total)


class Uploads:
    """All resumable uploads under way, their files below `root`."""

    def __init__(self, root: Path, objects: Objects, records: Records) -> None:
        self._root, self._objects, self._records = root, objects, records
        self._finished: OrderedDict[str, Resource] = OrderedDict()
        self._busy: dict[str, asyncio.Lock] = {}

    def begin(self, place: Place, resource: Resource, conditions: dict[str, str]) -> str:
        """Begin an upload; answers with its id. Raises Invalid, NotSupported."""
        kept = writable(resource)
        kept |= {name: resource[name] for name in ("md5Hash", "crc32c") if resource.get(name)}
        Conditions.of(conditions)
        id_ = secrets.token_urlsafe(24)
        self._path(id_).touch(0o600)
        self._records.put_upload(UploadRecord(id_, *place.key, kept, conditions))
        return id_

    async def add(
        self, id_: str, chunk: Chunk, pieces: AsyncIterator[bytes]
    ) -> tuple[int, Resource | None]:
        """Take a chunk: how many bytes are here, and the object once it is whole.

        Raises NoSuchUpload, Invalid, and what storing raises.
        """
        if done := self._finished.get(id_):
            return int(done["size"]), done
        async with self._busy.setdefault(id_, asyncio.Lock()):
            upload = self._records.upload(id_)
            if upload is None:
                raise NoSuchUpload(id_)
            path = self._path(id_)
            if chunk.first is not None:
                await _append(path, chunk, pieces)
            size = path.stat().st_size
            if chunk.total is None and not (chunk.first == 0 and chunk.last is None):
                return size, None
            if chunk.total is not None and size < chunk.total:
                return size, None
            if chunk.total is not None and size > chunk.total:
                raise Invalid("Content-Range", chunk.total, f"{size} bytes are here already")
            return size, await self._finish(upload, path)

    def cancel(self, id_: str) -> None:
        """Forget an upload and what came of it. Raises NoSuchUpload."""
        if self._records.upload(id_) is None:
            raise NoSuchUpload(id_)
        self._forget(id_)

    async def _finish(self, upload: UploadRecord, path: Path) -> Resource:
        try:
            found = await self._objects.store(
                Place(upload.bucket, upload.name),
                upload.resource,
                read(path),
                Conditions.of(upload.conditions),
            )
        except Invalid:
            self._forget(upload.id)  # its checksum is wrong for good
            raise
        self._forget(upload.id)
        self._finished[upload.id] = found
        if len(self._finished) > REMEMBERED:
            self._finished.popitem(last=False)
        return found

    def _forget(self, id_: str) -> None:
        self._records.drop_upload(id_)
        self._path(id_).unlink(missing_ok=True)
        self._busy.pop(id_, None)

    def _path(self, id_: str) -> Path:
        if not re.fullmatch(r"[\w-]+", id_, re.ASCII):
            raise NoSuchUpload(id_)
        return self._root / f"{PREFIX}{id_}"


async def _append(path: Path, chunk: Chunk, pieces: AsyncIterator[bytes]) -> None:
    """Add what is new of a chunk: a client that missed an answer sends some bytes again."""
    assert chunk.first is not None
    here = path.stat().st_size
    if chunk.first > here:
        raise Invalid("Content-Range", chunk.first, f"{here} bytes are here, so that is next")
    skip, came = here - chunk.first, 0
    longest = None if chunk.last is None else chunk.last - chunk.first + 1
    with path.open("ab") as file:
        async for piece in pieces:
            came += len(piece)
            if longest is not None and came > longest:
                raise Invalid("Content-Range", chunk.last, f"the body goes on for {came} bytes")
            file.write(piece[skip:] if skip else piece)
            skip = max(0, skip - len(piece))


async def read(path: Path) -> AsyncIterator[bytes]:
    """A file's bytes, as they are sent on."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
