"""The loop: one bundle at a time, retries with backoff, timers, then the sources."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import Any

from apache_beam.metrics.execution import MetricsContainer
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import sideinputs
from apache_beam.utils.timestamp import Timestamp

from localgcp.beam.bundles import TracedBundle
from localgcp.beam.context import LocalContext
from localgcp.beam.control import Attempts, Control
from localgcp.beam.errors import LocalRunnerError, Stalled
from localgcp.beam.evaluators import Registry
from localgcp.beam.failures import beam_says_nothing
from localgcp.beam.source import Reader


class Task(Attempts):
    """One step to be run on one bundle, or on timers that fired."""

    def __init__(self, step: Any, bundle: TracedBundle, timers: Collection[Any] = ()) -> None:
        super().__init__(step.full_label)
        self.applied, self.bundle, self.timers = step, bundle, timers
        self.side_inputs: dict[Any, Any] = {}
        self.blocked = False
        self._at = 0

    @property
    def at(self) -> int:
        """How many of its elements and timers have been begun, in the attempt at hand."""
        return self._at

    def inputs(self) -> Iterator[Any]:
        """Its elements, counted as they are taken."""
        for at, value in enumerate(self.bundle.get_elements_iterable(), 1):
            self._at = at
            yield value


class _Tracker:
    """What Beam's metrics ask for the container of the bundle at hand."""

    metrics_container: MetricsContainer

    def current_state(self) -> _Tracker:
        return self

    def update_metric(self, name: Any, value: Any) -> None:
        self.metrics_container.get_metric_cell(name).update(value)


class Engine(Control):
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
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        bounded_attempts: int = 1,
    ) -> None:
        """`visitor` has walked the graph; times are seconds of `clock`."""
        super().__init__(readers, patience, clock, bounded_attempts)
        self._context, self._registry = context, registry
        self._consumers = visitor.value_to_consumers
        self._steps = list(visitor.step_names)
        self._ready: deque[Task] = deque()
        self._firing: set[Any] = set()
        self._sources: list[Task] = [
            Task(root, bundle)
            for root in visitor.root_transforms
            for bundle in registry.get_root_bundle_provider(root).get_root_bundles()
        ]
        self._tracker = _Tracker()

    def watermark(self) -> Timestamp:
        """All data before it is through."""
        return self._context.watermarks.data_watermark()

    def counters(self) -> dict[str, int]:
        """User counters by "namespace.name"."""
        return self._context.counters()

    def metrics(self) -> Any:
        """Beam's metric results."""
        return self._context.metrics()

    def dropped(self) -> int:
        """Elements dropped because they came too late."""
        return self._registry.dropped()

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
        self.check_end()
        self._ready.extend(self.due_retries())
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

    def _check_done(self) -> None:
        open_steps = [step.full_label for step in self._steps if not self._context.is_done(step)]
        if open_steps:
            raise Stalled(open_steps)

    def _ask_sources(self) -> None:
        self.hold_back()
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
        self.done(task)
        if task.timers:
            self._firing.discard(task.applied)

    def _evaluate(self, task: Task, side_inputs: list[Any]) -> None:
        evaluator = self._registry.get_evaluator(task.applied, task.bundle, side_inputs)
        metrics = self._tracker.metrics_container = MetricsContainer(task.applied.full_label)
        evaluator.start_bundle()
        for timer in task.timers:
            evaluator.process_timer_wrapper(timer)
        for value in task.inputs():
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
            self._sources.append(Task(task.applied, bundle))

    def _failed(self, task: Task, error: Exception) -> None:
        self._registry.discard(task.applied)
        self.failed(task, task, error)

    def _side_inputs(self, task: Task) -> list[Any]:
        """Values of the step's side inputs; marks the task blocked if one is not ready."""
        task.blocked = False
        wanted = task.applied.side_inputs
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
