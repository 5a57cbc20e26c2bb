"""Grouping by key and window, where each window's state knows the pulls it came from."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

from apache_beam.runners.direct.transform_evaluator import _StreamingGroupAlsoByWindowEvaluator
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import (
    AccumulationMode,
    GeneralTriggerDriver,
    MergeableStateAdapter,
    _ListStateTag,
)
from apache_beam.transforms.window import NonMergingWindowFn
from apache_beam.utils.timestamp import MAX_TIMESTAMP, TIME_GRANULARITY, Timestamp

from pipeline.local_runner.archive import Archive
from pipeline.local_runner.bundles import Lineage, PullBatch, TracedResult

log = logging.getLogger(__name__)

PULLS = _ListStateTag("pulls")
ELEMENTS = GeneralTriggerDriver.ELEMENTS
END_TIMER = "end"


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
        self._input = self._execution_context.watermarks.input_watermark
        self._bundles: list[Any] = []
        self._held: list[PullBatch] = []
        self._let_go: list[PullBatch] = []
        self._archived: list[tuple[Any, Any, Any]] = []
        self._restored: list[tuple[Any, Any]] = []

    def process_timer_wrapper(self, timer_firing: Any) -> None:
        """Fire a timer, unless what it was set for is gone."""
        state = self._step_context.get_keyed_state(timer_firing.encoded_key)
        name = (timer_firing.name, timer_firing.time_domain, timer_firing.dynamic_timer_tag)
        if name not in state.timers.get(timer_firing.window, ()):
            return
        state.clear_timer(
            timer_firing.window,
            timer_firing.name,
            timer_firing.time_domain,
            dynamic_timer_tag=timer_firing.dynamic_timer_tag,
        )
        self._fire(timer_firing, state)

    def _fire(self, firing: Any, raw: Any) -> None:
        window = MergeableStateAdapter(raw).get_window(firing.window)
        key = firing.encoded_key
        if firing.name != END_TIMER:
            panes = list(
                self.driver.process_timer(
                    firing.window,
                    firing.name,
                    firing.time_domain,
                    firing.timestamp,
                    raw,
                    self._input,
                )
            )
            self._emit(key, raw, panes, ())
        elif self._expired(window):
            self._expire(key, raw, window)
        self._settle(key, raw, [window], ())

    def process_element(self, element: Any) -> None:
        """Add one key's elements of this bundle, and emit the panes that are due."""
        item = element.value
        raw = self._step_context.get_keyed_state(item.encoded_key)
        windows = Counter(window for value in item.elements for window in value.windows)
        self._count_dropped(raw, windows)
        for window in windows:
            self._restore(item.encoded_key, raw, window)
        output_watermark = self._execution_context.watermarks.output_watermark
        panes = list(
            self.driver.process_elements(raw, item.elements, output_watermark, self._input)
        )
        lineage: Lineage = self._input_committed_bundle.lineage or ()
        self._emit(item.encoded_key, raw, panes, lineage)
        self._settle(item.encoded_key, raw, list(windows), lineage)

    def finish_bundle(self) -> TracedResult:
        """The panes, one bundle each, so that one that fails downstream is retried alone."""
        self.archive.restored(self._restored)
        self.archive.add(self._archived)
        self.archive.expire(self._input)
        result = TracedResult(self, self._bundles, self.keyed_holds)
        result.held, result.let_go = self._held, self._let_go
        return result

    def _emit(self, key: Any, raw: Any, panes: list[Any], arriving: Lineage) -> None:
        """Make a bundle of each pane, with the lineage of its window and what arrives now."""
        adapter = MergeableStateAdapter(raw)
        for pane in panes:
            (window,) = pane.windows
            waiting = adapter.get_state(window, PULLS)
            bundle = self._evaluation_context.create_bundle(self.output_pcollection)
            bundle.add(pane.with_value((self.key_coder.decode(key), pane.value)))
            bundle.lineage = tuple(dict.fromkeys((*waiting, *arriving)))
            self._bundles.append(bundle)

    def _settle(self, key: Any, raw: Any, windows: list[Any], arriving: Lineage) -> None:
        """Record who waits in each window now, and put away the windows that wait for nothing."""
        adapter = MergeableStateAdapter(raw)
        for window in dict.fromkeys(_standing(adapter, windows)):
            if not adapter.get_state(window, ELEMENTS):
                self._let_go.extend(adapter.get_state(window, PULLS))
                adapter.clear_state(window, PULLS)
            else:
                waiting = set(adapter.get_state(window, PULLS))
                for batch in arriving:
                    if batch not in waiting:
                        adapter.add_state(window, PULLS, batch)
                        self._held.append(batch)
            self._arm_or_archive(key, raw, adapter, window)
        self.keyed_holds[key] = raw.get_earliest_hold()

    def _arm_or_archive(self, key: Any, raw: Any, adapter: Any, window: Any) -> None:
        ended = self._input >= window.end
        if ended and not self._merging:
            adapter.clear_timer(window, END_TIMER, TimeDomain.WATERMARK)
            record = _dormant(raw, adapter.window_ids[window])
            if record is not None:
                self._forget(raw, adapter, window)
                self._archived.append((key, window, record))
                return
        due = self._expiry(window) if ended or self._merging else window.end + TIME_GRANULARITY
        adapter.set_timer(window, END_TIMER, TimeDomain.WATERMARK, min(due, MAX_TIMESTAMP))

    def _restore(self, key: Any, raw: Any, window: Any) -> None:
        adapter = MergeableStateAdapter(raw)
        if window in adapter.window_ids:
            return
        record = self.archive.find(key, window)
        if record is not None and not self._expired(window):
            raw_id = adapter._get_id(window)
            for tag, values in record:
                raw.state[raw_id][tag] = list(values)
            self._restored.append((key, window))

    def _expire(self, key: Any, raw: Any, window: Any) -> None:
        """Emit what no trigger fired, then forget the window."""
        adapter = MergeableStateAdapter(raw)
        discarding = self._windowing.accumulation_mode == AccumulationMode.DISCARDING
        if discarding and adapter.get_state(window, ELEMENTS):
            pane = self.driver._output(window, True, adapter, self._input, False)
            self._emit(key, raw, [pane], ())
        self._let_go.extend(adapter.get_state(window, PULLS))
        self._forget(raw, adapter, window)

    def _forget(self, raw: Any, adapter: Any, window: Any) -> None:
        for raw_id in adapter.window_ids.pop(window):
            raw.state.pop(raw_id, None)
            raw.timers.pop(raw_id, None)
        adapter._persist_window_ids()

    def _expiry(self, window: Any) -> Timestamp:
        return min(window.end + self._windowing.allowed_lateness + TIME_GRANULARITY, MAX_TIMESTAMP)

    def _expired(self, window: Any) -> bool:
        return bool(self._input >= self._expiry(window))

    def _count_dropped(self, raw: Any, windows: Counter[Any]) -> None:
        """Say aloud what Beam's model drops: data too late, or past the end of its trigger."""
        adapter = MergeableStateAdapter(raw)
        for window, count in windows.items():
            late = self._input > window.end + self._windowing.allowed_lateness
            if late or adapter.get_state(window, GeneralTriggerDriver.TOMBSTONE):
                self.archive.dropped += count
                log.warning(
                    "%s: %d elements dropped: their window %s is %s (%d so far)",
                    self._applied_ptransform.full_label, count, window,
                    "beyond the allowed lateness" if late else "finished by its trigger",
                    self.archive.dropped,
                )  # fmt: skip


def _standing(adapter: Any, windows: list[Any]) -> Iterator[Any]:
    """The windows that these became part of; one that was dropped yields none."""
    for window in windows:
        if window in adapter.window_ids:
            yield window
        else:
            for known in adapter.known_windows():
                if known.start <= window.start and window.end <= known.end:
                    yield known


def _dormant(raw: Any, raw_ids: list[Any]) -> Any:
    """What must be kept of a window that waits for nothing; None if it still waits."""
    record: dict[str, tuple[Any, ...]] = {}
    for raw_id in raw_ids:
        if raw.timers.get(raw_id):
            return None
        for tag, values in raw.state.get(raw_id, {}).items():
            if values and tag in (ELEMENTS.tag, PULLS.tag, "watermark"):
                return None
            if values:
                record[tag] = record.get(tag, ()) + tuple(values)
    return tuple(sorted(record.items()))
