"""3 · Rows arrive; the lines of each window leave as new objects in the bucket."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import md5
from threading import Lock

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms import trigger, window
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from google.api_core.exceptions import PreconditionFailed
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from pipeline.record import Row

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
TRIES = 20
REQUEST_SECONDS = 60.0

log = logging.getLogger(__name__)


class NoFreeNumber(RuntimeError):
    """Others took each number first; the runner has to try the bundle again."""

    def __init__(self, bucket: str, prefix: str) -> None:
        super().__init__(f"gs://{bucket}/{prefix}: {TRIES} numbers in a row taken by others")


@dataclass
class _Series:
    """The objects of one prefix: the next number, and what the ones so far hold."""

    next: int = 1
    digests: set[str] = field(default_factory=set)


class Files:
    """Writes numbered objects and never rewrites one: the plain code behind `Write`."""

    def __init__(self, bucket: storage.Bucket) -> None:
        self._bucket = bucket
        self._known: OrderedDict[str, _Series] = OrderedDict()
        self._lock = Lock()

    def store(self, prefix: str, content: bytes) -> str | None:
        """Store as the prefix's next object and return its name; None if an earlier try has.

        A bundle may be tried again after its object was written, here or on another worker. Its
        content is the same then, so an equal digest in the series means that it is done. Raises
        NoFreeNumber.
        """
        digest = b64encode(md5(content, usedforsecurity=False).digest()).decode()
        for _ in range(TRIES):
            # A prefix unknown here is most likely new; if it is not, number 001 will be taken.
            series = self._known.get(prefix) or _Series()
            if digest in series.digests:
                return None
            name = f"{prefix}{series.next:03}{EXTENSION}"
            try:
                self._bucket.blob(name).upload_from_string(
                    content,
                    content_type=CONTENT_TYPE,
                    if_generation_match=0,
                    timeout=REQUEST_SECONDS,
                    retry=DEFAULT_RETRY,
                )
            except PreconditionFailed:
                log.debug("gs://%s/%s exists; listing the others", self._bucket.name, name)
                self._remember(prefix, self._list(prefix))
                continue
            self._remember(prefix, _Series(series.next + 1, series.digests | {digest}))
            return name
        raise NoFreeNumber(self._bucket.name, prefix)

    def _list(self, prefix: str) -> _Series:
        series = _Series()
        for blob in self._bucket.list_blobs(prefix=prefix, timeout=REQUEST_SECONDS):
            number = blob.name[len(prefix) : -len(EXTENSION)]
            if number.isdigit() and blob.name.endswith(EXTENSION):
                series.next = max(series.next, int(number) + 1)
                series.digests.add(blob.md5_hash)
        return series

    def _remember(self, prefix: str, series: _Series) -> None:
        with self._lock:
            self._known[prefix] = series
            self._known.move_to_end(prefix)
            if len(self._known) > SERIES_KEPT:
                self._known.popitem(last=False)


@cache
def files(project: str, bucket: str) -> Files:
    """The worker's one writer of a bucket."""
    return Files(storage.Client(project=project).bucket(bucket))


def contents(chunks: Iterable[list[bytes]], limit: int = FILE_BYTES) -> Iterator[list[bytes]]:
    """Regroup lines into those of one file each, of about `limit` bytes.

    Sorted, so that the same lines give the same content in whatever order they come.
    """
    batch: list[bytes] = []
    size = 0
    for lines in chunks:
        batch += lines
        size += sum(map(len, lines))
        if size >= limit:
            yield sorted(batch)
            batch, size = [], 0
    if batch:
        yield sorted(batch)


class Gather(beam.DoFn):
    """Rows in; their lines out, all those of a bundle that one file will hold as one element.

    Windowing and grouping cost more for each element than all else does for an event, and most
    events of a bundle share few files.
    """

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds

    def start_bundle(self) -> None:
        """Start with nothing gathered."""
        self._gathered: dict[tuple[str, float], tuple[datetime, list[bytes]]] = {}
        self._bytes = 0

    def process(self, element: Row) -> Iterator[WindowedValue]:
        """Add the row's line to those of the same file and window."""
        published = element.message.publish_time
        key = element.file_prefix, published.timestamp() // self._window_seconds
        earliest, lines = self._gathered.get(key) or (published, [])
        lines.append(element.line)
        self._gathered[key] = min(earliest, published), lines
        self._bytes += len(element.line)
        if self._bytes >= GATHERED_BYTES:
            yield from self.finish_bundle()
            self.start_bundle()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yield each file's lines at the earliest publish time among them."""
        for (prefix, _), (earliest, lines) in self._gathered.items():
            moment = Timestamp.from_utc_datetime(earliest)
            yield window.GlobalWindows.windowed_value((prefix, lines), moment)


class Write(beam.DoFn):
    """One window's lines of one prefix in; the names of the objects written out."""

    def __init__(self, project: str, bucket: str) -> None:
        self._bucket = (project, bucket)
        self._files = Metrics.counter("pipeline", "files_written")
        self._lines = Metrics.counter("pipeline", "file_lines")

    def process(self, element: tuple[str, Iterable[list[bytes]]]) -> Iterator[str]:
        """Write one object or, where one would get too large, several."""
        prefix, chunks = element
        for lines in contents(chunks):
            content = b"\n".join([*lines, b""])
            name = files(*self._bucket).store(prefix, content)
            if name is not None:
                self._files.inc()
                self._lines.inc(len(lines))
                yield name


class WriteFiles(beam.PTransform):
    """Rows in; the lines of each window of publish time become one object a prefix.

    An event that is old by its own time is not late: only its prefix is old. What is late is a
    message delivered again after its window closed; its pane fires at once, into the next number.
    The output's timestamp is the earliest of the lines', so that the watermark, and with it the
    local runner's acks, waits for the file.
    """

    def __init__(self, project: str, bucket: str, window_seconds: float) -> None:
        super().__init__()
        self._bucket = (project, bucket)
        self._window_seconds = window_seconds

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[str]:
        """Gather, window, group by prefix, write."""
        gather = beam.ParDo(Gather(self._window_seconds))
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
            | "Write" >> beam.ParDo(Write(*self._bucket)).with_output_types(str)
        )
