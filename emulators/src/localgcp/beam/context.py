"""Commits what a bundle produced, and counts for each pull what still waits because of it."""

from __future__ import annotations

from typing import Any

from apache_beam.runners.direct.evaluation_context import EvaluationContext, _ExecutionContext
from apache_beam.utils.timestamp import Timestamp

from localgcp.beam.bundles import TracedBundle, TracedBundleFactory, TracedResult
from localgcp.beam.step_watermarks import StepWatermarks
from localgcp.beam.window_state import StepContext


class LocalContext(EvaluationContext):
    """Beam's evaluation context with lineage.

    A message is done when its pull's count is zero: no bundle that derives from the pull awaits a
    consumer, and no window has its elements. Watermarks have no say in it, so it is as exact
    for late data, early panes and any timestamp combiner.
    """

    def __init__(self, options: Any, visitor: Any, clock: Any) -> None:
        """`visitor` has walked the graph."""
        super().__init__(
            options,
            TracedBundleFactory(),
            visitor.root_transforms,
            visitor.value_to_consumers,
            visitor.step_names,
            visitor.views,
            clock,
        )
        self._watermark_manager = StepWatermarks(
            clock,
            visitor.root_transforms,
            visitor.value_to_consumers,
            self._transform_keyed_states,
        )

    @property
    def watermarks(self) -> StepWatermarks:
        """The watermarks of all transforms."""
        manager: StepWatermarks = self._watermark_manager
        return manager

    def handle_result(
        self, completed_bundle: TracedBundle, completed_timers: Any, result: Any
    ) -> Any:
        """Commit; returns the committed bundles, each with its lineage."""
        committed = super().handle_result(completed_bundle, completed_timers, result)
        self._forget_empty_state(result)
        inherited = completed_bundle.lineage or ()
        for bundle in committed:
            if bundle.lineage is None:
                bundle.lineage = inherited
            if bundle.lineage and bundle.has_elements():
                consumers = len(self._value_to_consumers.get(bundle.pcollection, ()))
                for batch in bundle.lineage:
                    batch.holds += consumers
        if isinstance(result, TracedResult):
            for batch in result.held:
                batch.holds += 1
            for batch in result.let_go:
                batch.release()
        for batch in inherited:
            batch.release()
        return committed

    def _forget_empty_state(self, result: Any) -> None:
        keyed = self._transform_keyed_states[result.transform]
        for key, state in result.partial_keyed_state.items():
            if not (state.state or state.timers or any(state.global_state.values())):
                keyed.pop(key, None)
        self.watermarks.of(result.transform).keys_changed(result.partial_keyed_state)

    def _update_side_inputs_container(self, committed_bundles: Any, result: Any) -> None:
        """Each bundle into the views of its own collection.

        Stock puts all that a step puts out into those of whichever output comes first.
        """
        for bundle in committed_bundles:
            for view in self._pcollection_to_views.get(bundle.pcollection, ()):
                elements = bundle.get_elements_iterable(make_copy=True)
                self._side_inputs_container.add_values(view, elements)

    def get_value_or_block_until_ready(
        self, side_input: Any, task: Any, block_until: Timestamp
    ) -> Any:
        """The side input's value, or None after noting that `task` waits for it."""
        return self._side_inputs_container.get_value_or_block_until_ready(
            side_input, task, block_until
        )

    def get_execution_context(self, applied_ptransform: Any) -> _ExecutionContext:
        """What an evaluation sees of its step: watermarks, and keyed state to copy and change."""
        keyed_states = self._transform_keyed_states[applied_ptransform]
        found = _ExecutionContext(self.watermarks.of(applied_ptransform), keyed_states)
        found._step_context = StepContext(keyed_states)
        return found

    def unblocked(self) -> list[Any]:
        """Tasks whose side inputs became ready since the last call."""
        tasks = list(self._pending_unblocked_tasks)
        self._pending_unblocked_tasks.clear()
        return tasks

    def counters(self) -> dict[str, int]:
        """User counters, committed values, by "namespace.name" summed over steps."""
        with self._lock:
            results = self._metrics.query()["counters"]
        total: dict[str, int] = {}
        for counter in results:
            name = f"{counter.key.metric.namespace}.{counter.key.metric.name}"
            total[name] = total.get(name, 0) + counter.committed
        return total
