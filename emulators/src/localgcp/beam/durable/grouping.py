"""Grouping by key and window for the durable engine: Beam's trigger driver over a store."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from apache_beam.coders.coder_impl import create_OutputStream
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import AccumulationMode, Always
from apache_beam.transforms.window import NonMergingWindowFn
from apache_beam.utils.timestamp import MAX_TIMESTAMP, TIME_GRANULARITY, Timestamp
from apache_beam.utils.windowed_value import PaneInfo, WindowedValue

from localgcp.agenda import Agenda
from localgcp.beam.archive import Record
from localgcp.beam.durable.beam_parts import GeneralTriggerDriver, MergeableStateAdapter
from localgcp.beam.durable.plan import Group
from localgcp.beam.durable.saved_windows import SavedWindows
from localgcp.beam.durable.sources import NOTHING
from localgcp.beam.durable.store import Store
from localgcp.beam.window_state import END_TIMER, KeyedState, WindowStates, time_told
from localgcp.logs import Seldom

_seldom = Seldom(logging.getLogger(__name__))


class Grouping:
    """One GroupByKey, with its windows saved as they change.

    Like GroupAlsoByWindow of the other engine it emits what no trigger fired when a window's
    allowed lateness ends, and then forgets the window.
    """

    def __init__(self, group: Group, clock: Any, store: Store) -> None:
        """`clock` has Beam's `time()`."""
        self.group = group
        self.dropped = 0
        """Elements that came too late."""
        self._clock = clock
        self._windowing = group.windowing
        self._driver = GeneralTriggerDriver(self._windowing, clock)
        self._merging = not isinstance(self._windowing.windowfn, NonMergingWindowFn)
        self._driver.is_merging = self._merging
        # A Reshuffle: each bundle is grouped by itself, and nothing waits.
        self._passes = (
            self._windowing.triggerfn == Always()
            and self._windowing.accumulation_mode == AccumulationMode.DISCARDING
            and not self._merging
        )
        # One pane for each key, when all input has ended.
        self._fires_once = self._windowing.is_default()
        pair = group.input_coder.wrapped_value_coder
        self._keys = pair.key_coder().get_impl()
        self._input, self._output = group.input_coder.get_impl(), group.output_coder.get_impl()
        self._states: dict[bytes, KeyedState] = {}
        self._saved = SavedWindows(group.name, pair.value_coder().get_impl(), self._merging, store)
        # Microseconds, by key.
        self._holds: Agenda[bytes, int] = Agenda()
        self._due: Agenda[bytes, int] = Agenda()
        self._by_clock: set[bytes] = set()
        self._dormant: dict[tuple[bytes, Any], Record] = {}
        """What must be remembered of windows that have ended and wait for nothing."""
        self._expiring: Agenda[tuple[bytes, Any], int] = Agenda()
        """When each of them may be forgotten."""

    @property
    def hold(self) -> int:
        """The output watermark may not pass this."""
        return self._holds.least(NOTHING)

    def waits_for_clock(self) -> bool:
        """Whether a trigger waits for the clock."""
        return bool(self._by_clock)

    def add(self, pieces: Iterable[bytes], watermark: int, output_watermark: int) -> list[bytes]:
        """Group encoded pairs at these input and output watermarks; returns encoded panes."""
        by_key: dict[bytes, list[Any]] = {}
        keys: dict[bytes, Any] = {}
        for piece in pieces:
            for element in self._input.decode_all(piece):
                key, value = element.value
                encoded = self._keys.encode(key)
                keys[encoded] = key
                by_key.setdefault(encoded, []).append(element.with_value(value))
        out = create_OutputStream()
        now, before = Timestamp(micros=watermark), Timestamp(micros=output_watermark)
        for encoded, values in by_key.items():
            state = self._state(encoded)
            windows = Counter(window for value in values for window in value.windows)
            self._wake(encoded, state, windows)
            self._note_dropped(state, windows, now)
            self._emit(
                out, keys[encoded], self._driver.process_elements(state, values, before, now)
            )
            self._settle(encoded, state, list(windows), now)
        return _written(out)

    def due(self, watermark: int, at_end: bool) -> list[bytes]:
        """Keys that have timers to fire."""
        found = self._due.take(watermark)
        clock = Timestamp.of(self._clock.time())
        for key in self._by_clock:
            timers = self._states[key].timers.values()
            if at_end or any(
                domain == TimeDomain.REAL_TIME and fires <= clock
                for each in timers
                for (_, domain, _), fires in each.items()
            ):
                found.append(key)
        return list(dict.fromkeys(found))

    def fire(self, keys: Iterable[bytes], watermark: int, at_end: bool) -> list[bytes]:
        """Fire what is due of these keys; returns encoded panes."""
        out, now = create_OutputStream(), Timestamp(micros=watermark)
        for encoded in keys:
            state = self._states.get(encoded)
            if state is None:
                continue
            key = self._keys.decode(encoded)
            clock = MAX_TIMESTAMP if at_end else Timestamp.of(self._clock.time())
            expired, _ = state.get_timers(watermark=now, processing_time=clock)
            windows = []
            for window_id, (name, domain, fires, tag) in sorted(expired, key=_turn):
                if (name, domain, tag) not in state.timers.get(window_id, ()):
                    continue
                state.clear_timer(window_id, name, domain, dynamic_timer_tag=tag)
                view = MergeableStateAdapter(state) if self._merging else state
                window = view.get_window(window_id)
                windows.append(window)
                if name != END_TIMER:
                    told = time_told(domain, fires, now)
                    panes = self._driver.process_timer(window_id, name, domain, told, state, now)
                    self._emit(
                        out, key, map(_last, panes) if self._fires_once and at_end else panes
                    )
                elif now >= self._expiry(window):
                    self._expire(out, key, state, window, now)
            self._settle(encoded, state, windows, now)
        return _written(out)

    def restore(self, saved: Mapping[bytes, bytes]) -> None:
        """Take up what was on disk: entries of all GroupByKeys, of which this one's are its own."""
        touched: set[bytes] = set()
        for key, window, tags, timers in self._saved.restore(saved):
            state = self._state(key)
            if window is None:
                state.global_state = tags
            else:
                state.state[window].update(tags)
                if timers:
                    state.timers[window] = timers
                elif not self._merging:
                    self._sleep(key, state, window)
            touched.add(key)
        for key in touched:
            self._schedule(key, self._states[key])

    def expire(self, watermark: int) -> None:
        """Forget windows whose allowed lateness has ended."""
        for key, window in self._expiring.take(watermark - 1):
            del self._dormant[key, window]
            self._saved.forget(key, window)

    def _state(self, key: bytes) -> KeyedState:
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = KeyedState()
        return state

    def _emit(self, out: Any, key: Any, panes: Iterable[Any]) -> None:
        for pane in panes:
            self._output.encode_to_stream(pane.with_value((key, list(pane.value))), out, True)

    def _settle(self, key: bytes, state: KeyedState, windows: list[Any], now: Timestamp) -> None:
        """Set the timers that end windows, save what changed, and forget what waits for nothing."""
        states = WindowStates(state, self._merging)
        standing = states.standing(windows)
        for window in standing:
            ended = now >= window.end
            if self._passes and not states.has_elements(window):
                states.forget(window)
            elif ended and not self._merging and not states.has_elements(window):
                states.clear_end_timer(window)
            else:
                look = self._expiry(window) if ended or self._merging else window.end
                states.set_end_timer(window, min(look + TIME_GRANULARITY, MAX_TIMESTAMP))
        self._saved.save(key, state, windows)
        if not self._merging:
            for window in standing:
                self._sleep(key, state, window)
        self._schedule(key, state)

    def _sleep(self, key: bytes, state: KeyedState, window: Any) -> None:
        """Set a window that waits for nothing aside, for as long as late data may wake it."""
        record = WindowStates(state, False).dormant(window)
        if record is None:
            return
        WindowStates(state, False).forget(window)
        if record:
            self._dormant[key, window] = record
            self._expiring.set((key, window), self._expiry(window).micros)

    def _wake(self, key: bytes, state: KeyedState, windows: Iterable[Any]) -> None:
        for window in windows:
            record = self._dormant.pop((key, window), None)
            if record is not None:
                self._expiring.drop((key, window))
                WindowStates(state, False).restore(window, record)

    def _schedule(self, key: bytes, state: KeyedState) -> None:
        if not (state.state or state.timers or any(state.global_state.values())):
            self._states.pop(key, None)
        hold = state.get_earliest_hold().micros if state.state else NOTHING
        if hold < MAX_TIMESTAMP.micros:
            self._holds.set(key, hold)
        else:
            self._holds.drop(key)
        self._by_clock.discard(key)
        earliest = None
        for timers in state.timers.values():
            for (_, domain, _), fires in timers.items():
                if domain == TimeDomain.REAL_TIME:
                    self._by_clock.add(key)
                elif earliest is None or fires < earliest:
                    earliest = fires
        if earliest is None:
            self._due.drop(key)
        else:
            self._due.set(key, earliest.micros)

    def _expire(self, out: Any, key: Any, state: KeyedState, window: Any, now: Timestamp) -> None:
        """Emit what no trigger fired, then forget the window."""
        states = WindowStates(state, self._merging)
        discarding = self._windowing.accumulation_mode == AccumulationMode.DISCARDING
        if discarding and states.has_elements(window):
            self._emit(out, key, [states.final_pane(window, self._driver, now)])
        states.forget(window)

    def _expiry(self, window: Any) -> Timestamp:
        return min(window.end + self._windowing.allowed_lateness, MAX_TIMESTAMP)

    def _note_dropped(self, state: KeyedState, windows: Counter[Any], now: Timestamp) -> None:
        """Say aloud what Beam's model drops."""
        for window, count in windows.items():
            late = now > window.end + self._windowing.allowed_lateness
            if late or WindowStates(state, self._merging).finished(window):
                self.dropped += count
                why = "beyond the allowed lateness" if late else "finished by its trigger"
                _seldom.warn(
                    (self.group.name, why),
                    "%s: %d elements dropped, %d so far: their window %s is %s",
                    self.group.name, count, self.dropped, window, why,
                )  # fmt: skip


def _turn(timer: tuple[Any, tuple[str, str, Timestamp, str]]) -> tuple[bool, Timestamp]:
    """When a timer fires among those that are due: those by the watermark go first."""
    _, (_, domain, fires, _) = timer
    return domain == TimeDomain.REAL_TIME, fires


def _last(pane: Any) -> WindowedValue:
    """The pane, known to be the last of its window."""
    info = pane.pane_info
    known = PaneInfo(info.is_first, True, info.timing, info.index, info.nonspeculative_index)
    return WindowedValue(pane.value, pane.timestamp, pane.windows, known)


def _written(out: Any) -> list[bytes]:
    written = out.get()
    return [written] if written else []
