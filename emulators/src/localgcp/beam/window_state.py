"""One key's windows: the state that triggers keep, plus the pulls whose elements wait there."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, cast

from apache_beam.runners.direct.evaluation_context import DirectStepContext
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import (
    GeneralTriggerDriver,
    InMemoryUnmergedState,
    MergeableStateAdapter,
    _ListStateTag,
)
from apache_beam.utils.timestamp import Timestamp

from localgcp.beam.archive import Record
from localgcp.beam.bundles import PullBatch

ELEMENTS = GeneralTriggerDriver.ELEMENTS
TOMBSTONE = GeneralTriggerDriver.TOMBSTONE
PULLS = _ListStateTag("pulls")
END_TIMER = "end"

_WAITING = {ELEMENTS.tag, PULLS.tag, "watermark"}
"""Tags that hold data, or the output watermark, as Beam's InMemoryUnmergedState names it."""


class KeyedState(InMemoryUnmergedState):
    """Beam's state of one key, which each bundle copies; this copies no deeper than needed."""

    def copy(self) -> KeyedState:
        """An independent copy; timers and values in it are never changed in place."""
        twin = KeyedState()
        for window, timers in self.timers.items():
            twin.timers[window] = dict(timers)
        for window, tags in self.state.items():
            for tag, values in tags.items():
                twin.state[window][tag] = copy.copy(values)
        twin.global_state = copy.deepcopy(self.global_state)
        return twin


class StepContext(DirectStepContext):
    """The keyed state of a step: what is committed, and this bundle's copies of it."""

    def get_keyed_state(self, key: Any) -> KeyedState:
        """The copy of a key's state that becomes the state when the bundle is committed."""
        state = self.partial_keyed_state.get(key)
        if state is None:
            committed = self.existing_keyed_state.get(key)
            state = KeyedState() if committed is None else committed.copy()
            self.partial_keyed_state[key] = state
        return cast(KeyedState, state)


class WindowStates:
    """A view of a key's InMemoryUnmergedState by window, merged windows being one.

    It is made afresh after each call of the trigger driver, which changes the state under it.
    """

    def __init__(self, raw: Any, merging: bool) -> None:
        self._raw = raw
        self._merging = merging
        self._view = MergeableStateAdapter(raw) if merging else raw

    def standing(self, windows: Iterable[Any]) -> list[Any]:
        """The windows that these are, or were merged into; one that was dropped is none."""
        known = self._view.known_windows() if self._merging else self._raw.state
        return list(dict.fromkeys(_homes(windows, known)))

    def finished(self, window: Any) -> bool:
        """Whether its trigger has finished, so that it takes no more elements."""
        return bool(self._view.get_state(window, TOMBSTONE))

    def has_elements(self, window: Any) -> bool:
        """Whether elements wait in it."""
        return bool(self._view.get_state(window, ELEMENTS))

    def pulls(self, window: Any) -> list[PullBatch]:
        """The pulls whose elements wait in it."""
        return list(self._view.get_state(window, PULLS))

    def add_pulls(self, window: Any, batches: Iterable[PullBatch]) -> list[PullBatch]:
        """Note pulls; returns those that were not noted yet."""
        waiting = set(self.pulls(window))
        new = [batch for batch in batches if batch not in waiting]
        for batch in new:
            self._view.add_state(window, PULLS, batch)
        return new

    def take_pulls(self, window: Any) -> list[PullBatch]:
        """All its pulls, which no longer wait."""
        batches = self.pulls(window)
        self._view.clear_state(window, PULLS)
        return batches

    def set_end_timer(self, window: Any, due: Timestamp) -> None:
        """Look at it again when the watermark reaches `due`."""
        self._view.set_timer(window, END_TIMER, TimeDomain.WATERMARK, due)

    def clear_end_timer(self, window: Any) -> None:
        """It needs no look any more."""
        self._view.clear_timer(window, END_TIMER, TimeDomain.WATERMARK)

    def final_pane(self, window: Any, driver: Any, watermark: Timestamp) -> Any:
        """The pane of what no trigger fired, by the driver that fires all others."""
        return driver._output(window, True, self._view, watermark, False)

    def forget(self, window: Any) -> None:
        """Drop all that is known of it."""
        ids = self._view.window_ids.pop(window, ()) if self._merging else (window,)
        for raw_id in ids:
            self._raw.state.pop(raw_id, None)
            self._raw.timers.pop(raw_id, None)
        if self._merging:
            self._view._persist_window_ids()

    # The archive is only for windows that don't merge, whose id in the state is the window.

    def dormant(self, window: Any) -> Record | None:
        """What must be remembered of it, if it waits for nothing; None if it waits."""
        if self._raw.timers.get(window):
            return None
        kept = {tag: tuple(values) for tag, values in self._raw.state[window].items() if values}
        return None if _WAITING & kept.keys() else tuple(sorted(kept.items()))

    def restore(self, window: Any, record: Record) -> None:
        """Bring back what `dormant` gave."""
        for tag, values in record:
            self._raw.state[window][tag] = list(values)


def time_told(domain: str, fires: Timestamp, watermark: Timestamp) -> Timestamp:
    """The time that a trigger is told as its timer fires: the watermark, if it is by the clock.

    Beam's driver hands on the clock's. An AfterWatermark takes it for the watermark, so that past
    the window's end an early firing would be the last, and what comes then would be dropped.
    """
    return watermark if domain == TimeDomain.REAL_TIME else fires


def _homes(windows: Iterable[Any], known: Any) -> Iterator[Any]:
    for window in windows:
        if window in known:
            yield window
        else:
            yield from (k for k in known if k.start <= window.start and window.end <= k.end)
