"""3 · Rows arrive; the lines of each window leave as new objects in the bucket."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from hashlib import md5
from itertools import chain
from threading import Lock
from typing import NamedTuple
from zlib import crc32

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms import trigger, window
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from google.api_core.exceptions import PreconditionFailed
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from pipeline.record import Row
from pipeline.repeats import key, unwritten
from pipeline.tracing import marked, unmarked, written
from telemetry import Exporting, now

# No line end of a JSON record lies inside it, and readers may take the file a line at a time;
# application/json would promise one value.
CONTENT_TYPE = "application/x-ndjson"
EXTENSION = ".json"
# What a subscription keeps a message for at most, so no redelivery comes later than that
# (Pub/Sub: Subscription.message_retention_duration).
LATENESS_SECONDS = 7 * 24 * 3600
FILE_BYTES = 16 * 1024 * 1024
GATHERED_BYTES = 4 * 1024 * 1024
SERIES_KEPT = 4096
KEYS_KEPT = 500_000
TRIES = 20
REQUEST_SECONDS = 60.0

log = logging.getLogger(__name__)


class NoFreeNumber(RuntimeError):
    """Others took each number first; the runner has to try the bundle again."""

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__(f"gs://{bucket}/{prefix}: {TRIES} numbers in a row taken by others")


class Shard(NamedTuple):
    """Which of a prefix's lines one key of the graph stands for, and which numbers are its own.

    Shard 1 of 4 writes the numbers 1, 5, 9 and so on, shard 2 writes 2, 6, 10: no two ever want
    the same one.
    """

    prefix: str
    turn: int = 1
    of: int = 1

    @property
    def key(self) -> str:
        """As text, which is how the graph groups: `order_202401151030` or `... 2/4`.

        A job updated in place finds what is in its open windows by this, and each key says itself
        how many shards there were when its lines came.
        """
        return f"{self.prefix} {self.turn}/{self.of}" if self.of > 1 else self.prefix

    @classmethod
    def parse(cls, key: str) -> Shard:
        """Turn a key into what it stands for."""
        prefix, space, numbers = key.partition(" ")
        return cls(prefix, *map(int, numbers.split("/"))) if space else cls(prefix)

    def name(self, number: int) -> str:
        """The object of a number."""
        return f"{self.prefix}{number:03}{EXTENSION}"


@dataclass
class _Series:
    """The objects of one shard: its next number, and what all of the prefix so far hold."""

    next: int
    digests: set[str] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)
    """Of the lines that the shard's own objects hold; empty while nobody else wrote any."""


class Files:
    """Writes numbered objects and never rewrites one: the plain code behind `Write`."""

    def __init__(self, bucket: storage.Bucket) -> None:
        self._bucket = bucket
        self._known: OrderedDict[Shard, _Series] = OrderedDict()
        self._lock = Lock()
        self._keys = 0
        """How many keys all series hold."""

    def store(
        self, shard: Shard, content: bytes, repeated: Callable[[int], None] = lambda lines: None
    ) -> str | None:
        """Store as the shard's next object and return its name; None if all of it is stored.

        A bundle may be tried again after its object was written, here or on another worker. Its
        content is the same then, so an equal digest in the series means that it is done. After a
        job was killed its messages come again in other bundles: where a number is taken by
        another, the lines that the others have are left out, and `repeated` is told how many.
        Raises NoFreeNumber.
        """
        asked = {_digest(content)}
        for _ in range(TRIES):
            # A shard unknown here is most likely new; if it is not, its first number is taken.
            series = self._known.get(shard) or _Series(shard.turn)
            if not asked.isdisjoint(series.digests):
                return None
            lines = content.splitlines(keepends=True)
            left = unwritten(lines, series.keys) if series.keys else lines
            if len(left) < len(lines):
                repeated(len(lines) - len(left))
            if not left:
                self._remember(shard, replace(series, digests=series.digests | asked))
                return None
            content, name = b"".join(left), shard.name(series.next)
            try:
                self._bucket.blob(name).upload_from_string(
                    content,
                    content_type=CONTENT_TYPE,
                    if_generation_match=0,
                    timeout=REQUEST_SECONDS,
                    retry=DEFAULT_RETRY,
                )
            except PreconditionFailed:
                log.debug("gs://%s/%s exists; reading the others", self._bucket.name, name)
                self._remember(shard, self._list(shard))
                continue
            digests = series.digests | asked | {_digest(content)}
            more = set(map(key, left)) if series.keys else set()
            self._remember(shard, _Series(series.next + shard.of, digests, series.keys | more))
            return name
        raise NoFreeNumber(self._bucket.name, shard.prefix)

    def _read(self, name: str) -> bytes:
        content: bytes = self._bucket.blob(name).download_as_bytes(timeout=REQUEST_SECONDS)
        return content

    def _list(self, shard: Shard) -> _Series:
        series = _Series(shard.turn)
        for blob in self._bucket.list_blobs(prefix=shard.prefix, timeout=REQUEST_SECONDS):
            text = blob.name[len(shard.prefix) : -len(EXTENSION)]
            if not text.isdigit() or not blob.name.endswith(EXTENSION):
                continue
            number = int(text)
            series.digests.add(blob.md5_hash)
            if number % shard.of == shard.turn % shard.of:
                series.keys.update(map(key, self._read(blob.name).splitlines()))
                series.next = max(series.next, number + shard.of)
        return series

    def _remember(self, shard: Shard, series: _Series) -> None:
        with self._lock:
            self._keys += len(series.keys) - len(self._known.pop(shard, _Series(0)).keys)
            self._known[shard] = series
            while len(self._known) > SERIES_KEPT or (
                self._keys > KEYS_KEPT and len(self._known) > 1
            ):
                _, oldest = self._known.popitem(last=False)
                self._keys -= len(oldest.keys)


def _digest(content: bytes) -> str:
    """As Cloud Storage tells it of an object."""
    return b64encode(md5(content, usedforsecurity=False).digest()).decode()


@cache
def files(project: str, bucket: str) -> Files:
    """The worker's one writer of a bucket."""
    return Files(storage.Client(project=project).bucket(bucket))


def contents(chunks: Iterable[list[bytes]], limit: int = FILE_BYTES) -> Iterator[list[bytes]]:
    """Regroup lines into those of one file each, of `limit` bytes and at most a line more.

    Sorted as a whole before they are split, so that the same lines give the same files in whatever
    order and chunks they come. Holds all of them: shards keep that small.
    """
    batch: list[bytes] = []
    size = 0
    for line in sorted(chain.from_iterable(chunks)):
        batch.append(line)
        size += len(line)
        if size >= limit:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Gather(beam.DoFn):
    """Rows in; their lines out, all those of a bundle that one file will hold as one element.

    Windowing and grouping cost more for each element than all else does for an event, and most
    events of a bundle share few files.
    """

    def __init__(self, window_seconds: float, shards: int = 1) -> None:
        self._window_seconds, self._shards = window_seconds, shards

    def start_bundle(self) -> None:
        """Start with nothing gathered."""
        self._gathered: dict[tuple[str, int, float], tuple[datetime, list[bytes]]] = {}
        self._bytes = 0

    def process(self, element: Row) -> Iterator[WindowedValue]:
        """Add the row's line to those of the same file and window."""
        published, line, shards = element.message.publish_time, element.line, self._shards
        turn = 1 + crc32(element.message.event_id.encode()) % shards if shards > 1 else 1
        key = element.file_prefix, turn, published.timestamp() // self._window_seconds
        earliest, lines = self._gathered.get(key) or (published, [])
        lines.append(line)
        if element.message.trace:
            lines += marked(element.message)
        self._gathered[key] = min(earliest, published), lines
        self._bytes += len(line)
        if self._bytes >= GATHERED_BYTES:
            yield from self.finish_bundle()
            self.start_bundle()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yield each file's lines at the earliest publish time among them."""
        for (prefix, turn, _), (earliest, lines) in self._gathered.items():
            key = Shard(prefix, turn, self._shards).key
            moment = Timestamp.from_utc_datetime(earliest)
            yield window.GlobalWindows.windowed_value((key, lines), moment)


class Write(beam.DoFn):
    """One window's lines of one shard in; the names of the objects written out."""

    def __init__(self, project: str, bucket: str, exporting: Exporting | None = None) -> None:
        self._bucket, self._exporting = (project, bucket), exporting
        self._files = Metrics.counter("pipeline", "files_written")
        self._lines = Metrics.counter("pipeline", "file_lines")
        self._repeated = Metrics.counter("pipeline", "file_lines_repeated")

    def process(self, element: tuple[str, Iterable[list[bytes]]]) -> Iterator[str]:
        """Write one object or, where one would get too large, several."""
        key, chunks = element
        if self._exporting is None:
            yield from self._write(key, chunks)
            return
        began = now()
        lines, traces = unmarked(chunks)
        names = list(self._write(key, lines))
        written(self._exporting, self._bucket[1], names, traces, began)
        yield from names

    def _write(self, key: str, chunks: Iterable[list[bytes]]) -> Iterator[str]:
        for lines in contents(chunks):
            content = b"\n".join([*lines, b""])
            name = files(*self._bucket).store(Shard.parse(key), content, self._repeated.inc)
            if name is not None:
                self._files.inc()
                self._lines.inc(len(lines))
                yield name


class WriteFiles(beam.PTransform):
    """Rows in; the lines of each window of publish time become one object a prefix and shard.

    An event that is old by its own time is not late: only its prefix is old. What is late is a
    message delivered again after its window closed; its pane fires at once, into the next number.
    The output's timestamp is the earliest of the lines', so that the watermark, and with it the
    local runner's acks, waits for the file.

    A key is one thread's work, and while all events are of the present minute there is one key a
    type: shards divide it. An event's id names its shard, so that a retry meets it there.
    """

    def __init__(
        self,
        project: str,
        bucket: str,
        window_seconds: float,
        shards: int = 1,
        exporting: Exporting | None = None,
    ) -> None:
        super().__init__()
        self._bucket, self._exporting = (project, bucket), exporting
        self._window_seconds, self._shards = window_seconds, shards

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[str]:
        """Gather, window, group by prefix and shard, write."""
        gather = beam.ParDo(Gather(self._window_seconds, self._shards))
        return (
            rows
            | "Gather" >> gather.with_output_types(tuple[str, list[bytes]])
            | "Window"
            >> beam.WindowInto(
                window.FixedWindows(self._window_seconds),
                trigger=trigger.DefaultTrigger(),
                accumulation_mode=trigger.AccumulationMode.DISCARDING,
                timestamp_combiner=window.TimestampCombiner.OUTPUT_AT_EARLIEST,
                allowed_lateness=Duration(LATENESS_SECONDS),
            )
            | "GroupByPrefix" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(Write(*self._bucket, self._exporting)).with_output_types(str)
        )
