"""The loop: one bundle at a time, retries with backoff, timers, then the sources."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from apache_beam.metrics.execution import MetricsContainer
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import sideinputs

from localgcp.beam.bundles import TracedBundle
from localgcp.beam.context import LocalContext
from localgcp.beam.errors import Cancelled, DrainTimedOut, LocalRunnerError, Stalled
from localgcp.beam.evaluators import Registry
from localgcp.beam.failures import Backoff, FailureLog, Trouble, beam_says_nothing
from localgcp.beam.source import Reader

log = logging.getLogger(__name__)

MOST_RETRYING = 8
"""Sources rest while so many bundles wait for another attempt."""

TOLD_CHARACTERS = 300

BOUNDED_ATTEMPTS = 4
"""A pipeline with no Pub/Sub source has nobody to give work back to: then as stock Beam does."""


class Task:
    """One step to be run on one bundle, or on timers that fired."""

    def __init__(self, step: Any, bundle: TracedBundle, timers: Collection[Any] = ()) -> None:
        self.step, self.bundle, self.timers = step, bundle, timers
        self.side_inputs: dict[Any, Any] = {}
        self.blocked = False
        self.attempts = 0
        self.backoff = Backoff(first=0.1, most=30.0)
        self.failing_since: float | None = None
        self.error: Exception | None = None
        """The last one."""


class _Tracker:
    """What Beam's metrics ask for the container of the bundle at hand."""

    metrics_container: MetricsContainer

    def current_state(self) -> _Tracker:
        return self

    def update_metric(self, name: Any, value: Any) -> None:
        self.metrics_container.get_metric_cell(name).update(value)


class Engine:
    """Runs a graph until every watermark is at its end. All of it in the caller's thread.

    A source is asked only when nothing else can run, so at most one pull's bundles are in flight
    besides those that wait for a retry.
    """

    def __init__(
        self,
        context: LocalContext,
        registry: Registry,
        visitor: Any,
        readers: Collection[Reader],
        drain_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`visitor` has walked the graph; times are seconds of `clock`."""
        self._context, self._registry = context, registry
        self._consumers = visitor.value_to_consumers
        self._steps = list(visitor.step_names)
        self._readers = readers
        self._drain_timeout, self._clock = drain_timeout, clock
        self._ready: deque[Task] = deque()
        self._retrying: list[tuple[float, Task]] = []
        self._failing: set[Task] = set()
        self._working: tuple[float, Task] | None = None
        """Since when on which task."""
        self._firing: set[Any] = set()
        self._sources: list[Task] = [
            Task(root, bundle)
            for root in visitor.root_transforms
            for bundle in registry.get_root_bundle_provider(root).get_root_bundles()
        ]
        self._tracker = _Tracker()
        self._drain_by: float | None = None
        self._cancelled = False
        self.failures = FailureLog()

    def drain(self) -> None:
        """Stop reading, let windows fire, finish. From any thread."""
        if self._drain_by is None:
            self._drain_by = self._clock() + self._drain_timeout
            for reader in self._readers:
                reader.draining = True

    def cancel(self) -> None:
        """Stop after the bundle at hand. From any thread."""
        self._cancelled = True

    @property
    def draining(self) -> bool:
        """Whether `drain` was called."""
        return self._drain_by is not None

    @property
    def retrying(self) -> int:
        """Bundles that failed and wait for another attempt."""
        return len(self._retrying)

    def trouble(self) -> Trouble | None:
        """The step that has failed, or been in one call, for the longest. From any thread."""
        now, working = self._clock(), self._working
        found = [
            Trouble(now - since, f"{task.step.full_label} fails, last by {_told(task.error)}")
            for task in list(self._failing)
            if (since := task.failing_since) is not None
        ]
        if working is not None:
            since, task = working
            found.append(Trouble(now - since, f"{task.step.full_label} is in one call"))
        return max(found, key=lambda each: each.seconds, default=None)

    def run(self) -> None:
        """Return when all is done. Raises LocalRunnerError, or what a bounded pipeline raised."""
        statesampler.set_current_tracker(self._tracker)
        try:
            with beam_says_nothing():
                while self._step():
                    pass
        finally:
            statesampler.set_current_tracker(None)
            self._registry.teardown()

    def _step(self) -> bool:
        """Do the next thing; False when nothing is left to do."""
        self._check_end()
        self._take_up_retries()
        self._ready.extend(self._context.unblocked())
        if self._ready:
            self._attempt(self._ready.popleft())
            return True
        fired, waiting_for_time = self._fire_timers()
        if fired:
            return True
        if self._sources:
            self._ask_sources()
            return True
        if self._retrying or waiting_for_time:
            time.sleep(0.01)
            return True
        self._check_done()
        return False

    def _check_end(self) -> None:
        if self._cancelled:
            raise Cancelled
        self.check_drain()

    def check_drain(self, grace: float = 0.0) -> None:
        """Raise DrainTimedOut if a drain is over its time by more than `grace` seconds."""
        if self._drain_by is not None and self._clock() > self._drain_by + grace:
            outstanding = sum(reader.outstanding for reader in self._readers)
            raise DrainTimedOut(self._drain_timeout, outstanding, len(self._retrying))

    def _check_done(self) -> None:
        open_steps = [step.full_label for step in self._steps if not self._context.is_done(step)]
        if open_steps:
            raise Stalled(open_steps)

    def _take_up_retries(self) -> None:
        if self._retrying:
            now = self._clock()
            self._ready.extend(task for due, task in self._retrying if due <= now)
            self._retrying = [entry for entry in self._retrying if entry[0] > now]

    def _ask_sources(self) -> None:
        hold_back = len(self._retrying) >= MOST_RETRYING
        for reader in self._readers:
            reader.hold_back = hold_back
        self._ready.extend(self._sources)
        self._sources = []

    def _fire_timers(self) -> tuple[bool, bool]:
        """Schedule due timers; whether any fired, and whether processing-time timers are set."""
        fired = waiting = False
        for step in self._steps:
            if step in self._firing:
                continue
            timers, realtime = self._context.watermarks.of(step).extract_transform_timers()
            waiting = waiting or (realtime and not self._context.is_done(step))
            if timers:
                bundle = self._context.create_empty_committed_bundle(step.inputs[0])
                self._firing.add(step)
                self._ready.append(Task(step, bundle, timers))
                fired = True
        return fired, waiting

    def _attempt(self, task: Task) -> None:
        side_inputs = self._side_inputs(task)
        if task.blocked:
            return
        task.attempts += 1
        self._working = (self._clock(), task)
        try:
            self._evaluate(task, side_inputs)
        except LocalRunnerError:
            raise
        except Exception as error:  # noqa: BLE001 - user code may raise anything
            self._failed(task, error)
            return
        finally:
            self._working = None
        self._failing.discard(task)
        if task.timers:
            self._firing.discard(task.step)

    def _evaluate(self, task: Task, side_inputs: list[Any]) -> None:
        evaluator = self._registry.get_evaluator(task.step, task.bundle, side_inputs)
        metrics = self._tracker.metrics_container = MetricsContainer(task.step.full_label)
        evaluator.start_bundle()
        for timer in task.timers:
            evaluator.process_timer_wrapper(timer)
        for value in task.bundle.get_elements_iterable():
            evaluator.process_element(value)
        result = evaluator.finish_bundle()
        result.logical_metric_updates = metrics.get_cumulative()
        committed = self._context.handle_result(task.bundle, task.timers, result)
        self._context.metrics().commit_physical(task.bundle, result.logical_metric_updates)
        for bundle in committed:
            if bundle.has_elements():
                for step in self._consumers.get(bundle.pcollection, ()):
                    self._ready.append(Task(step, bundle))
        for bundle in result.unprocessed_bundles:
            self._sources.append(Task(task.step, bundle))

    def _failed(self, task: Task, error: Exception) -> None:
        self._registry.discard(task.step)
        forever = bool(self._readers)
        if not forever and task.attempts >= BOUNDED_ATTEMPTS:
            self.failures.record(task.step.full_label, error, None)
            raise error
        if task.failing_since is None:
            task.failing_since = self._clock()
        task.error = error
        self._failing.add(task)
        pause = task.backoff.next() if forever else 0.0
        self.failures.record(task.step.full_label, error, pause)
        self._retrying.append((self._clock() + pause, task))

    def _side_inputs(self, task: Task) -> list[Any]:
        """Values of the step's side inputs; marks the task blocked if one is not ready."""
        task.blocked = False
        wanted = task.step.side_inputs
        if not wanted:
            return []
        windows = [value.windows[0] for value in task.bundle.get_elements_iterable()]
        latest = max(windows, key=lambda window: window.end, default=None)
        for side_input in wanted:
            if side_input not in task.side_inputs:
                mapping = side_input._view_options().get(
                    "window_mapping_fn", sideinputs._global_window_mapping_fn
                )
                value = self._context.get_value_or_block_until_ready(
                    side_input, task, mapping(latest).end
                )
                if value is None:
                    return []
                task.side_inputs[side_input] = value
        return [task.side_inputs[side_input] for side_input in wanted]


def _told(error: Exception | None) -> str:
    """An error in one line that is not too long for a health page."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return said if len(said) <= TOLD_CHARACTERS else said[:TOLD_CHARACTERS] + "..."
