"""The timers of one stage: set, cleared, due, and what they hold back."""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apache_beam.transforms.userstate import Timer

from localgcp.agenda import Agenda
from localgcp.beam.durable.plan import Family, TimerFamily
from localgcp.beam.durable.sources import NOTHING
from localgcp.beam.durable.store import Store

_KIND = "timer"


@dataclass(frozen=True)
class Setting:
    """One timer as it was set; setting it again makes another."""

    number: int
    family: Family
    identity: bytes
    key: bytes
    fires: int
    """Microseconds of its time domain."""
    hold: int
    """The output watermark may not pass it."""
    after_end: bool
    """It was set by a timer when no input could come any more."""
    encoded: bytes
    """As the worker takes it."""
    windows: tuple[Any, ...] = ()


class Timers:
    """All timers of a stage, by what identifies each: family, key, window and tag."""

    def __init__(self, families: Mapping[Family, TimerFamily], store: Store) -> None:
        self._families, self._store = families, store
        self._set: dict[tuple[Family, bytes], Setting] = {}
        self._by_event_time: list[tuple[int, int, Setting]] = []
        self._by_clock: list[tuple[int, int, Setting]] = []
        self._under_way: set[Setting] = set()
        self._holds: Agenda[tuple[Family, bytes], int] = Agenda()
        self._number = 0

    def restore(self, saved: Iterable[bytes]) -> None:
        """Take up what was on disk of this stage."""
        for each in saved:
            family, after_end, encoded = pickle.loads(each)
            if family in self._families:
                self.update(family, [encoded], after_end)

    def update(self, family: Family, pieces: Iterable[bytes], after_end: bool) -> None:
        """Set and clear timers in the order in which a bundle did."""
        coder = self._families[family].coder
        for piece in pieces:
            for timer in coder.decode_all(piece):
                identity = coder.encode_nested(_cleared(timer, timer.windows))
                self._forget(family, identity)
                if not timer.clear_bit:
                    self._remember(family, identity, timer, after_end)

    def due(self, watermark: int, now: int, at_end: bool) -> list[Setting]:
        """Timers to fire, the earliest of each key; they are under way until `done` or dropped.

        `at_end` says that no input can come any more: then a timer by the clock fires at once,
        unless a timer set it after the end, or it might go on for ever.
        """
        taken: dict[bytes, Setting] = {}
        busy = {setting.key for setting in self._under_way}
        later: list[tuple[int, int, Setting]] = []
        for heap, until in ((self._by_event_time, watermark), (self._by_clock, now)):
            while heap and (heap[0][0] <= until or (at_end and heap is self._by_clock)):
                fires, number, setting = heapq.heappop(heap)
                if self._set.get((setting.family, setting.identity)) is not setting:
                    continue
                waits = fires > until and setting.after_end
                if waits or setting.key in busy or setting.key in taken:
                    later.append((fires, number, setting))
                else:
                    taken[setting.key] = setting
        for entry in later:
            self._push(entry)
        self._under_way.update(taken.values())
        return sorted(taken.values(), key=lambda each: (each.fires, each.number))

    def current(self, settings: Iterable[Setting]) -> list[Setting]:
        """Those that were not set again or cleared since they fell due."""
        return [each for each in settings if self._set.get((each.family, each.identity)) is each]

    def done(self, settings: Iterable[Setting]) -> None:
        """They have fired: what the firing itself set comes after this."""
        for setting in settings:
            self._under_way.discard(setting)
            if self._set.get((setting.family, setting.identity)) is setting:
                self._forget(setting.family, setting.identity)

    @property
    def hold(self) -> int:
        """The output watermark may not pass this."""
        return self._holds.least(NOTHING)

    def waits_for_clock(self) -> bool:
        """Whether a timer is set by the clock."""
        while self._by_clock:
            setting = self._by_clock[0][2]
            if self._set.get((setting.family, setting.identity)) is setting:
                return True
            heapq.heappop(self._by_clock)
        return False

    def __len__(self) -> int:
        return len(self._set)

    def _remember(self, family: Family, identity: bytes, timer: Any, after_end: bool) -> None:
        self._number += 1
        coder = self._families[family].coder
        encoded = coder.encode_nested(timer)
        setting = Setting(
            self._number,
            family,
            identity,
            coder.encode_nested(_cleared(timer, ())),
            timer.fire_timestamp.micros,
            _hold(timer),
            after_end,
            encoded,
            tuple(timer.windows),
        )
        self._set[family, identity] = setting
        self._holds.set((family, identity), setting.hold)
        self._push((setting.fires, setting.number, setting))
        self._store.put(
            _KIND,
            _name(family, identity),
            lambda: pickle.dumps((family, after_end, encoded)),
        )

    def _push(self, entry: tuple[int, int, Setting]) -> None:
        by_event_time = self._families[entry[2].family].by_event_time
        heapq.heappush(self._by_event_time if by_event_time else self._by_clock, entry)

    def _forget(self, family: Family, identity: bytes) -> None:
        setting = self._set.pop((family, identity), None)
        if setting is not None:
            self._holds.drop((family, identity))
            self._store.remove(_KIND, _name(family, identity))


def _name(family: Family, identity: bytes) -> bytes:
    return "\n".join(family).encode() + b"\n" + identity


def _cleared(timer: Any, windows: tuple[Any, ...]) -> Timer:
    """What identifies a timer, in the form of the request that clears it."""
    return Timer(timer.user_key, timer.dynamic_timer_tag, windows, True, None, None, None)


def _hold(timer: Any) -> int:
    """What it emits belongs into its window, so the watermark may not end that before it fires."""
    ends = (window.max_timestamp().micros for window in timer.windows)
    return int(min(timer.hold_timestamp.micros, *ends))
