"""The files of a load: that which came with the job, or the objects that its URIs name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.jobs.objects import Objects, Uri
from localgcp.bigquery.rows.file import File

Open = Callable[[bytes], File]


@dataclass(frozen=True, slots=True)
class LoadSource:
    """Where a load's bytes come from: `uris`, or `data` that was sent with it."""

    data: bytes | None = None
    uris: tuple[Uri, ...] = ()


@dataclass(slots=True)
class Piece:
    """One file, opened; `uri` is None for what came with the job."""

    uri: Uri | None
    size: int
    file: File


class Pieces:
    """The files of one load, read one at a time."""

    def __init__(self, objects: Objects, source: LoadSource, open_: Open) -> None:
        """Resolves wildcards. Raises what `Objects.matching` raises."""
        self._objects, self._source, self._open = objects, source, open_
        self._uris = [found for uri in source.uris for found in objects.matching(uri)]
        self._sample: File | None = None

    def detect(self) -> tuple[Field, ...]:
        """The columns of one file: the first with any bytes, or the last that describes itself.

        Source: Loading Avro data and Loading Parquet data: of several, "the alphabetically last".
        """
        sample = self._first()
        if sample.described and len(self._uris) > 1:
            sample = self._open(self._objects.read(max(self._uris, key=str)))
        fields = sample.detect()
        self._sample = sample
        return fields

    def described(self) -> bool:
        """Whether the format brings its schema."""
        return self._open(b"").described

    def titled(self) -> bool:
        """Whether the columns that were detected have their names from a first line."""
        return self._sample is not None and self._sample.titled

    def each(self) -> Iterator[Piece]:
        """Every file, in the order of the URIs."""
        if self._source.data is not None:
            yield Piece(None, len(self._source.data), self._next(self._source.data))
            return
        for uri in self._uris:
            data = self._objects.read(uri)
            yield Piece(uri, len(data), self._next(data))

    def _next(self, data: bytes) -> File:
        opened = self._open(data)
        # What was detected holds for all; the bytes are those that `open` has unpacked.
        return opened if self._sample is None else self._sample.another(opened.data)

    def _first(self) -> File:
        if self._source.data is not None:
            return self._open(self._source.data)
        for uri in self._uris:
            data = self._objects.read(uri)
            if data or uri == self._uris[-1]:
                break
        return self._open(data)
