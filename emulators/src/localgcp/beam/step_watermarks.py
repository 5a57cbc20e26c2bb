"""Watermarks and timers of transforms, at a cost that does not grow with what waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apache_beam.runners.direct.util import TimerFiring
from apache_beam.runners.direct.watermark_manager import WatermarkManager, _TransformWatermarks
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.utils.timestamp import TIME_GRANULARITY, Timestamp

from localgcp.agenda import Agenda
from localgcp.beam.bundles import TracedBundle

END = WatermarkManager.WATERMARK_POS_INF


class TransformWatermarks(_TransformWatermarks):
    """Beam's own scans every pending element and every key at each step; this keeps minima."""

    def __init__(self, clock: Any, keyed_states: dict[Any, Any], transform: Any) -> None:
        super().__init__(clock, keyed_states, transform)
        self._input_watermark: Timestamp = self._input_watermark
        self._output_watermark: Timestamp = self._output_watermark
        # Microseconds: the earliest element of a bundle that waits, the earliest timer of a key.
        self._by_age: Agenda[TracedBundle, int] = Agenda()
        self._timers: Agenda[Any, int] = Agenda()
        self._realtime: set[Any] = set()

    def add_pending(self, pending: TracedBundle) -> None:
        """Wait for a bundle; an empty one holds nothing, and Beam would never remove it."""
        if pending.has_elements():
            super().add_pending(pending)
            self._by_age.set(pending, pending.earliest.micros)

    def remove_pending(self, completed: TracedBundle) -> None:
        """It waits no more."""
        super().remove_pending(completed)
        self._by_age.drop(completed)

    def refresh(self) -> bool:
        """Recompute both watermarks; whether the output watermark advanced."""
        with self._lock:
            pending = Timestamp(micros=self._by_age.least(END.micros))
            if pending != END:
                pending -= TIME_GRANULARITY
            produced = min(
                (w.output_watermark for w in self._input_transform_watermarks), default=END
            )
            self._input_watermark = max(self._input_watermark, min(pending, produced))
            hold = min(self._keyed_earliest_holds.values(), default=END)
            before, self._output_watermark = (
                self._output_watermark,
                min(self._input_watermark, hold),
            )
            return bool(self._output_watermark > before)

    def keys_changed(self, keys: Iterable[Any]) -> None:
        """Look at the timers of keys whose state was just committed."""
        for key in keys:
            state = self._keyed_states.get(key)
            self._realtime.discard(key)
            if state is None or not state.timers:
                self._timers.drop(key)
                continue
            earliest = END
            for timers in state.timers.values():
                for (_, domain, _), timestamp in timers.items():
                    if domain == TimeDomain.REAL_TIME:
                        self._realtime.add(key)
                    else:
                        earliest = min(earliest, timestamp)
            self._timers.set(key, earliest.micros)

    def extract_transform_timers(self) -> tuple[list[TimerFiring], bool]:
        """Timers that are due, and whether any processing-time timer is set.

        Due timers stay in their key's state until the bundle that fires them commits, so the
        caller must not extract again while one is under way.
        """
        with self._lock:
            due = self._realtime.union(self._timers.take(self._input_watermark.micros))
            fired: list[TimerFiring] = []
            for key in due:
                fired.extend(self._expired(key))
            fired.sort(key=lambda firing: firing.timestamp)
            self._fired_timers.update(fired)
            return fired, bool(self._realtime)

    def _expired(self, key: Any) -> Iterable[TimerFiring]:
        state = self._keyed_states.get(key)
        if state is None:
            return
        expired, _ = state.get_timers(
            watermark=self._input_watermark, processing_time=self._clock.time()
        )
        for window, (name, domain, timestamp, tag) in expired:
            yield TimerFiring(key, window, name, domain, timestamp, dynamic_timer_tag=tag)


class StepWatermarks(WatermarkManager):
    """Beam's manager over the transforms' watermarks above."""

    def __init__(
        self, clock: Any, roots: Any, consumers: dict[Any, Any], keyed_states: dict[Any, Any]
    ) -> None:
        super().__init__(clock, roots, consumers, keyed_states)
        self._transform_to_watermarks: dict[Any, TransformWatermarks] = {
            transform: TransformWatermarks(clock, keyed_states[transform], transform)
            for transform in {*roots, *(step for steps in consumers.values() for step in steps)}
        }
        for transform in self._transform_to_watermarks:
            self._update_input_transform_watermarks(transform)

    def of(self, transform: Any) -> TransformWatermarks:
        """The watermarks of one primitive transform."""
        return self._transform_to_watermarks[transform]

    def data_watermark(self) -> Timestamp:
        """The lowest output watermark: all data before it is through."""
        return min(w.output_watermark for w in self._transform_to_watermarks.values())
