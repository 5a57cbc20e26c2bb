"""3 · Raw files come in, of a bucket or a folder; the messages that they were made of leave."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.io.gcp.pubsub import PubsubMessage
from google.api_core.exceptions import NotFound
from google.cloud import storage

from event_types.base import Envelope, EventType
from event_types.contract import EXTRA
from pipeline import dead_letter, events

_NAME = re.compile(r"([\w-]+)/([\w-]+)/(\d{4}/\d\d/\d\d/\d\d/\d\d)/\2_\d{15,}\.json")
_ADDED = (*Envelope.model_fields, EXTRA.name)
GS = "gs://"
MOST_DAYS = 62
"""A longer span is looked for in all that there is, not day by day."""


class NoSource(ValueError):
    """There are no raw files where they were to be."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(f"--source {source}: {why}")


@dataclass(frozen=True)
class Span:
    """From a moment on, up to another and without it; both in UTC."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is in it."""
        return self.since <= moment < self.until

    def meets(self, minute: datetime) -> bool:
        """Whether some moment of a minute is in it."""
        return minute < self.until and minute + timedelta(minutes=1) > self.since

    def days(self) -> Iterator[str]:
        """Its days, each as the folders of a name: 2024/01/15/. One for all where they are many."""
        if (self.until - self.since).days > MOST_DAYS:
            yield ""
            return
        day = self.since.date()
        while datetime(day.year, day.month, day.day, tzinfo=UTC) < self.until:
            yield day.strftime("%Y/%m/%d/")
            day += timedelta(days=1)


@cache
def _bucket(project: str, name: str) -> storage.Bucket:
    return storage.Client(project=project).bucket(name)


@dataclass(frozen=True)
class Source:
    """Where raw files are: gs://BUCKET, or a folder that has `output/` and `dead-letter/` in it."""

    project: str
    place: str

    def check(self) -> None:
        """Look whether it is there. Raises NoSource."""
        if not self.place.startswith(GS):
            if not Path(self.place).is_dir():
                raise NoSource(self.place, "no such folder")
            return
        try:
            next(iter(_bucket(self.project, self._bucket_name()).list_blobs(max_results=1)), None)
        except NotFound as error:
            raise NoSource(self.place, "no such bucket") from error

    def names(self, folder: str) -> Iterator[str]:
        """The files below a folder such as output/order/2024/01/15/."""
        if self.place.startswith(GS):
            for blob in _bucket(self.project, self._bucket_name()).list_blobs(prefix=folder):
                yield blob.name
            return
        root = Path(self.place)
        for path in sorted((root / folder).rglob("*.json")):
            yield str(path.relative_to(root))

    def read(self, name: str) -> bytes:
        """One file whole."""
        if self.place.startswith(GS):
            content: bytes = (
                _bucket(self.project, self._bucket_name()).blob(name).download_as_bytes()
            )
            return content
        return (Path(self.place) / name).read_bytes()

    def _bucket_name(self) -> str:
        return self.place.removeprefix(GS).strip("/")


def folders(
    event_types: tuple[EventType, ...], reasons: Iterable[str], span: Span
) -> Iterator[str]:
    """Where files of a span are: events by their own time, dead letters by their publish time."""
    roots = [f"{events.ROOT}/{each.name}" for each in event_types]
    roots += [f"{dead_letter.ROOT}/{each}" for each in reasons]
    return (f"{root}/{day}" for root in roots for day in span.days())


def minute_of(name: str) -> datetime | None:
    """The minute that a file is of; None for what is no raw file."""
    match = _NAME.fullmatch(name)
    return datetime.strptime(match[3], "%Y/%m/%d/%H/%M").replace(tzinfo=UTC) if match else None


class ListFiles(beam.DoFn):
    """Folders in; out come the names of their raw files that may hold something of the span.

    A job's graph has a limit (Dataflow: 10 MB), and a year of files has millions of names.
    """

    def __init__(self, source: Source, span: Span) -> None:
        self._source, self._span = source, span

    def process(self, element: str) -> Iterator[str]:
        """List one folder, at any depth."""
        for name in self._source.names(element):
            if (minute := minute_of(name)) and self._span.meets(minute):
                yield name


class ReadMessages(beam.DoFn):
    """Names of raw files in; out comes each line's message, as it was published."""

    def __init__(self, source: Source, event_types: tuple[EventType, ...], span: Span) -> None:
        self._source, self._span = source, span
        self._times = {each.name: each.event_time for each in event_types}

    def process(self, element: str) -> Iterator[PubsubMessage]:
        """Read one file; a line that is none, which only a hand can have written, fails it."""
        kind = element.partition("/")[0]
        for line in self._source.read(element).splitlines():
            record = orjson.loads(line)
            if kind == dead_letter.ROOT:
                message, moment = of_letter(record), record["publish_time"]
            else:
                message, moment = of_event(record), record[self._times[record["event_type"]]]
            if self._span.holds(datetime.fromisoformat(moment)):
                yield message


def of_event(record: dict[str, Any]) -> PubsubMessage:
    """The message of an event's line: its payload has what the pipeline added taken off."""
    event_id, published = record["event_id"], datetime.fromisoformat(record["publish_time"])
    payload = {name: value for name, value in record.items() if name not in _ADDED}
    _put_back(payload, record.get(EXTRA.name) or {})
    attributes = {"event_id": event_id, "event_type": payload["event_type"]}
    return PubsubMessage(orjson.dumps(payload), attributes, event_id, published)


def of_letter(record: dict[str, Any]) -> PubsubMessage:
    """The message of a dead letter's line, which has it whole."""
    text: str = record["payload"]
    data = base64.b64decode(text) if record["payload_encoding"] == "base64" else text.encode()
    attributes = {each["key"]: each["value"] for each in record["attributes"]}
    published = datetime.fromisoformat(record["publish_time"])
    return PubsubMessage(data, attributes, record["event_id"], published)


def _put_back(payload: Any, extra: dict[str, Any]) -> None:
    """Undo `validate.sparing`: what was set aside goes to its place again."""
    for name, value in extra.items():
        if isinstance(payload, list):
            _put_back(payload[int(name)], value)
        elif isinstance(value, dict) and isinstance(payload.get(name), dict | list):
            _put_back(payload[name], value)
        else:
            payload[name] = value
