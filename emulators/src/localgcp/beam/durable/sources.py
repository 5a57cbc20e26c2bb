"""What feeds the roots of the graph: impulses, subscriptions and scripted streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from apache_beam.coders.coder_impl import create_OutputStream
from apache_beam.testing.test_stream import ElementEvent, Event, ProcessingTimeEvent, WatermarkEvent
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP

from localgcp.beam.bundles import PullBatch
from localgcp.beam.durable.plan import Root
from localgcp.beam.durable.store import Store
from localgcp.beam.source import REMEMBERED_IDS, Reader

_SEEN = "seen"

END = MAX_TIMESTAMP.micros
BEGIN = MIN_TIMESTAMP.micros
NOTHING = (1 << 63) - 1
"""Larger than any time in microseconds: what holds nothing back."""


@dataclass
class Fed:
    """What a look at a source brought for one root."""

    transform: str
    pieces: list[bytes]
    batch: PullBatch | None = None
    """To be released when the work is safe."""


class Source(Protocol):
    """Feeds one root or several."""

    watermarks: dict[str, int]
    """By root: nothing older is to come; END when nothing is to come at all."""

    def ask(self) -> list[Fed]:
        """Look once."""

    def save(self, store: Store) -> None:
        """Note in the store how far it is."""

    def restore(self, saved: Mapping[bytes, bytes]) -> None:
        """Go on from there."""


class Impulse:
    """One empty element, once in the life of the job."""

    def __init__(self, root: Root, coder: Any) -> None:
        self._root, self._coder = root, coder
        self.watermarks = {root.transform: BEGIN}

    def ask(self) -> list[Fed]:
        """The element."""
        if self.watermarks[self._root.transform] == END:
            return []
        self.watermarks[self._root.transform] = END
        return [Fed(self._root.transform, [self._coder.encode_nested(_IMPULSE)])]

    def save(self, store: Store) -> None:
        """Note whether it was given."""
        given = str(self.watermarks[self._root.transform]).encode()
        store.put("source", self._root.transform.encode(), lambda: given)

    def restore(self, saved: Mapping[bytes, bytes]) -> None:
        """Do not give it again."""
        name = self._root.transform
        self.watermarks[name] = int(saved.get(name.encode(), BEGIN))


_IMPULSE = GlobalWindows.windowed_value(b"")


class Subscription:
    """A ReadFromPubSub. Its messages are acked once what came of them is safe in the store."""

    def __init__(self, root: Root, coder: Any, reader: Reader) -> None:
        self.reader = reader
        self._name, self._coder = root.transform, coder
        self.watermarks = {self._name: BEGIN}
        self._noted: deque[tuple[bytes, int]] = deque()
        """Entries of the store with identities of messages, and how many each has."""
        self._notes = self._identities = 0
        reader.serialized = True

    def ask(self) -> list[Fed]:
        """One pull. Raises SubscriptionUnusable, InvalidTimestamp."""
        reading = self.reader.read()
        self.watermarks[self._name] = max(self.watermarks[self._name], reading.watermark.micros)
        if reading.batch is None:
            return []
        if not reading.values:
            return [Fed(self._name, [], reading.batch)]
        out = create_OutputStream()
        for value in reading.values:
            self._coder.encode_to_stream(value, out, True)
        return [Fed(self._name, [out.get()], reading.batch)]

    def save(self, store: Store) -> None:
        """Note the watermark; at a drain's end there is nothing to go on with."""
        watermark = str(self.watermarks[self._name]).encode()
        if self.watermarks[self._name] < END:
            store.put("source", self._name.encode(), lambda: watermark)

    def restore(self, saved: Mapping[bytes, bytes]) -> None:
        """Go on at the watermark."""
        self.watermarks[self._name] = int(saved.get(self._name.encode(), BEGIN))

    def remember(self, store: Store, batch: PullBatch) -> None:
        """Note in the store that these messages are done, and forget those of long ago."""
        identities = "\n".join(batch.identities).encode()
        self._notes += 1
        entry = self._entry(self._notes)
        self._noted.append((entry, len(batch.identities)))
        self._identities += len(batch.identities)
        store.put(_SEEN, entry, lambda: identities)
        while self._identities - self._noted[0][1] > REMEMBERED_IDS:
            gone, count = self._noted.popleft()
            self._identities -= count
            store.remove(_SEEN, gone)

    def recall(self, saved: Mapping[bytes, bytes]) -> None:
        """Take up what `remember` noted: what Pub/Sub delivers again of it is acked at once."""
        prefix = self._entry(0)[:-8]
        for entry, value in sorted(saved.items()):
            if entry.startswith(prefix) and len(entry) == len(prefix) + 8:
                identities = value.decode().split("\n")
                self.reader.remember(identities)
                self._notes = int.from_bytes(entry[-8:], "big")
                self._noted.append((entry, len(identities)))
                self._identities += len(identities)

    def _entry(self, number: int) -> bytes:
        return self._name.encode() + b"\n" + number.to_bytes(8, "big")


@dataclass
class Stream:
    """A TestStream: one event at a time, whenever nothing else is left to do."""

    roots: list[Root]
    coders: Mapping[str, Any]
    clock: Any
    """A TestClock."""
    watermarks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = self.roots[0]
        self._events = [Event.from_runner_api(e, first.element_coder) for e in first.payload.events]
        self._by_tag = {_tag(root.tag): root.transform for root in self.roots}
        self.watermarks = {root.transform: BEGIN for root in self.roots}

    def ask(self) -> list[Fed]:
        """Play the next event."""
        if not self._events:
            self.watermarks = dict.fromkeys(self.watermarks, END)
            return []
        event = self._events.pop(0)
        if isinstance(event, ProcessingTimeEvent):
            self.clock.advance_time(event.advance_by)
        elif isinstance(event, WatermarkEvent):
            self.watermarks[self._by_tag[event.tag]] = min(event.new_watermark.micros, END)
        elif isinstance(event, ElementEvent):
            name = self._by_tag[event.tag]
            out = create_OutputStream()
            for one in event.timestamped_values:
                value = GlobalWindows.windowed_value(one.value, one.timestamp)
                self.coders[name].encode_to_stream(value, out, True)
            return [Fed(name, [out.get()])]
        return []

    def save(self, store: Store) -> None:
        """It is not kept: a test begins anew."""

    def restore(self, saved: Mapping[bytes, bytes]) -> None:
        """It begins anew."""


def _tag(tag: str | None) -> str | None:
    return None if tag == "None" else tag
