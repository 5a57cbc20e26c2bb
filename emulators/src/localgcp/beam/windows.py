"""Grouping by key and window: Beam's triggers, with lineage, expiry and an archive."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from apache_beam.runners.direct.transform_evaluator import _StreamingGroupAlsoByWindowEvaluator
from apache_beam.transforms.trigger import AccumulationMode, MergeableStateAdapter
from apache_beam.transforms.window import NonMergingWindowFn
from apache_beam.utils.timestamp import MAX_TIMESTAMP, TIME_GRANULARITY, Timestamp

from localgcp.beam.archive import Archive, Record
from localgcp.beam.bundles import Lineage, PullBatch, TracedResult
from localgcp.beam.window_state import END_TIMER, WindowStates, time_told
from localgcp.logs import Seldom

_seldom = Seldom(logging.getLogger(__name__))


class GroupAlsoByWindow(_StreamingGroupAlsoByWindowEvaluator):
    """Beam's trigger driver, plus three things it leaves out.

    Lineage: the pulls whose elements wait in a window are kept in that window's state, so merges
    and retries treat them as they treat the elements. Expiry: what no trigger fired is emitted
    when the window's allowed lateness ends, and the state goes. Archive: the state of a window
    that has ended and waits for nothing is set aside in a few bytes.
    """

    archive: Archive
    """Set by the registry; one per step, it outlives the bundles."""

    def start_bundle(self) -> None:
        """Start with Beam's driver and empty hands."""
        super().start_bundle()
        self._windowing = self._applied_ptransform.transform.windowing
        self._merging = not isinstance(self._windowing.windowfn, NonMergingWindowFn)
        self.driver.is_merging = self._merging
        self._input = self._execution_context.watermarks.input_watermark
        self._bundles: list[Any] = []
        self._held: list[PullBatch] = []
        self._let_go: list[PullBatch] = []
        self._archived: list[tuple[bytes, Any, Record]] = []
        self._restored: list[tuple[bytes, Any]] = []

    def process_timer_wrapper(self, timer_firing: Any) -> None:
        """Fire a timer, unless what it was set for is gone."""
        firing, key = timer_firing, timer_firing.encoded_key
        raw = self._step_context.get_keyed_state(key)
        timer = (firing.name, firing.time_domain, firing.dynamic_timer_tag)
        if timer not in raw.timers.get(firing.window, ()):
            return
        raw.clear_timer(firing.window, timer[0], timer[1], dynamic_timer_tag=timer[2])
        view = MergeableStateAdapter(raw) if self._merging else raw
        window = view.get_window(firing.window)
        if firing.name != END_TIMER:
            told = time_told(firing.time_domain, firing.timestamp, self._input)
            panes = self.driver.process_timer(
                firing.window, firing.name, firing.time_domain, told, raw, self._input
            )
            self._emit(key, raw, list(panes), ())
        elif self._input >= self._expiry(window):
            self._expire(key, raw, window)
        self._settle(key, raw, [window], ())

    def process_element(self, element: Any) -> None:
        """Add one key's elements of this bundle, and emit the panes that are due."""
        key, values = element.value.encoded_key, element.value.elements
        raw = self._step_context.get_keyed_state(key)
        windows = Counter([window for value in values for window in value.windows])
        for window, count in windows.items():
            self._restore(key, raw, window)
            self._note_dropped(raw, window, count)
        output_watermark = self._execution_context.watermarks.output_watermark
        panes = self.driver.process_elements(raw, values, output_watermark, self._input)
        lineage: Lineage = self._input_committed_bundle.lineage or ()
        self._emit(key, raw, list(panes), lineage)
        self._settle(key, raw, list(windows), lineage)

    def finish_bundle(self) -> TracedResult:
        """The panes, one bundle each, so that one that fails downstream is retried alone."""
        self.archive.restored(self._restored)
        self.archive.add(self._archived)
        self.archive.expire(self._input)
        result = TracedResult(self, self._bundles, self.keyed_holds)
        result.held, result.let_go = self._held, self._let_go
        return result

    def _emit(self, key: bytes, raw: Any, panes: list[Any], arriving: Lineage) -> None:
        """Make a bundle of each pane, with the lineage of its window and what arrives now."""
        states = WindowStates(raw, self._merging)
        for pane in panes:
            bundle = self._evaluation_context.create_bundle(self.output_pcollection)
            bundle.add(pane.with_value((self.key_coder.decode(key), pane.value)))
            bundle.lineage = tuple(dict.fromkeys((*states.pulls(pane.windows[0]), *arriving)))
            self._bundles.append(bundle)

    def _settle(self, key: bytes, raw: Any, windows: list[Any], arriving: Lineage) -> None:
        """Record who waits in each window now, and put away the windows that wait for nothing."""
        states = WindowStates(raw, self._merging)
        for window in states.standing(windows):
            if states.has_elements(window):
                self._held.extend(states.add_pulls(window, arriving))
            else:
                self._let_go.extend(states.take_pulls(window))
            self._arm_or_archive(key, states, window)
        self.keyed_holds[key] = raw.get_earliest_hold()

    def _arm_or_archive(self, key: bytes, states: WindowStates, window: Any) -> None:
        ended = self._input >= window.end
        if ended and not self._merging:
            states.clear_end_timer(window)
            record = states.dormant(window)
            if record is not None:
                states.forget(window)
                if record:
                    self._archived.append((key, window, record))
                return
        next_look = self._expiry(window) if ended or self._merging else window.end
        states.set_end_timer(window, min(next_look + TIME_GRANULARITY, MAX_TIMESTAMP))

    def _restore(self, key: bytes, raw: Any, window: Any) -> None:
        record = self.archive.find(key, window)
        if record is not None and window not in raw.state:
            WindowStates(raw, self._merging).restore(window, record)
            self._restored.append((key, window))

    def _expire(self, key: bytes, raw: Any, window: Any) -> None:
        """Emit what no trigger fired, then forget the window."""
        states = WindowStates(raw, self._merging)
        discarding = self._windowing.accumulation_mode == AccumulationMode.DISCARDING
        if discarding and states.has_elements(window):
            self._emit(key, raw, [states.final_pane(window, self.driver, self._input)], ())
        self._let_go.extend(states.take_pulls(window))
        states.forget(window)

    def _expiry(self, window: Any) -> Timestamp:
        """The watermark from which the window takes nothing more."""
        return min(window.end + self._windowing.allowed_lateness, MAX_TIMESTAMP)

    def _note_dropped(self, raw: Any, window: Any, count: int) -> None:
        """Say aloud what Beam's model drops: data too late, or past the end of its trigger."""
        late = self._input > window.end + self._windowing.allowed_lateness
        if late or WindowStates(raw, self._merging).finished(window):
            self.archive.dropped += count
            why = "beyond the allowed lateness" if late else "finished by its trigger"
            step = self._applied_ptransform.full_label
            _seldom.warn(
                (step, why),
                "%s: %d elements dropped, %d so far: their window %s is %s",
                step, count, self.archive.dropped, window, why,
            )  # fmt: skip
