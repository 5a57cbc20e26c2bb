"""How each kind of step is run; DoFns live as long as the job."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from apache_beam import pvalue
from apache_beam.internal import pickler
from apache_beam.runners.common import DoFnRunner, DoFnState, Receiver
from apache_beam.runners.direct.direct_runner import (
    _DirectReadFromPubSub,
    _StreamingGroupAlsoByWindow,
)
from apache_beam.runners.direct.transform_evaluator import (
    TransformEvaluatorRegistry,
    _FlattenEvaluator,
    _ParDoEvaluator,
    _TransformEvaluator,
)
from apache_beam.runners.direct.util import TransformResult
from apache_beam.transforms import core
from apache_beam.transforms.userstate import is_stateful_dofn
from apache_beam.utils.counters import CounterFactory

from localgcp.beam.archive import Archive
from localgcp.beam.source import PubSubRead, Reader
from localgcp.beam.windows import GroupAlsoByWindow

log = logging.getLogger(__name__)


class Registry(TransformEvaluatorRegistry):
    """Beam's registry with this runner's evaluators in place of some; it patches nothing."""

    def __init__(self, context: Any, readers: Mapping[Any, Reader]) -> None:
        super().__init__(context)
        self._readers = readers
        self._archives: dict[Any, Archive] = {}
        self._workers: dict[Any, DoFnWorker] = {}
        self._plain: dict[Any, bool] = {}
        self._evaluators.update(
            {
                _DirectReadFromPubSub: PubSubRead,
                _StreamingGroupAlsoByWindow: GroupAlsoByWindow,
                core.Flatten: Flatten,
            }
        )

    def get_evaluator(self, step: Any, bundle: Any, side_inputs: Any) -> Any:
        """An evaluator for one bundle."""
        if isinstance(getattr(step.transform, "dofn", None), core.GroupByKey.ReifyWindows):
            return Reify(self._evaluation_context, step, bundle, side_inputs)
        if self._is_plain_pardo(step):
            return ParDo(self._evaluation_context, step, bundle, side_inputs, self._worker(step))
        evaluator = super().get_evaluator(step, bundle, side_inputs)
        if isinstance(evaluator, PubSubRead):
            evaluator.reader = self._readers[step]
        elif isinstance(evaluator, GroupAlsoByWindow):
            evaluator.archive = self._archive(step)
        return evaluator

    def discard(self, step: Any) -> None:
        """Give up a DoFn whose bundle failed: Beam never reuses one, it may hold half a bundle."""
        worker = self._workers.pop(step, None)
        if worker is not None:
            worker.teardown()

    def teardown(self) -> None:
        """Tear down all DoFns, at the end of the job."""
        for step in list(self._workers):
            self.discard(step)

    def dropped(self) -> int:
        """Elements dropped so far, because they came after their window's allowed lateness."""
        return sum(archive.dropped for archive in list(self._archives.values()))

    def _is_plain_pardo(self, step: Any) -> bool:
        """Whether it is a ParDo without state and timers; looked up once, for that is slow."""
        if step not in self._plain:
            kinds = [cls for cls in type(step.transform).mro() if cls in self._evaluators]
            is_pardo = bool(kinds) and self._evaluators[kinds[0]] is _ParDoEvaluator
            self._plain[step] = is_pardo and not is_stateful_dofn(step.transform.dofn)
        return self._plain[step]

    def _worker(self, step: Any) -> DoFnWorker:
        if step not in self._workers:
            self._workers[step] = DoFnWorker(step)
        return self._workers[step]

    def _archive(self, step: Any) -> Archive:
        if step not in self._archives:
            self._archives[step] = Archive(step.transform.windowing.allowed_lateness)
        return self._archives[step]


class _Output(Receiver):
    """Collects one tag's output of the bundle at hand."""

    def __init__(self, step: Any, tag: str | None) -> None:
        self.pcollection = pvalue.PCollection(None, tag=tag)
        self.pcollection.producer = step
        self.values: list[Any] = []

    def receive(self, windowed_value: Any) -> None:
        self.values.append(windowed_value)


class _Ignore(Receiver):
    """Takes output to a tag that the step does not declare, as Beam does."""

    def receive(self, windowed_value: Any) -> None:
        pass


class _Outputs(dict[str | None, Receiver]):
    def __missing__(self, tag: str | None) -> Receiver:
        return _Ignore()


class DoFnWorker:
    """One DoFn, set up once, and its outputs."""

    def __init__(self, step: Any) -> None:
        self._step = step
        self.dofn = pickler.roundtrip(step.transform.dofn)
        self.outputs = _Outputs({tag: _Output(step, tag) for tag in step.outputs})
        self._is_set_up = False
        self._runner: Any = None

    def start(self, side_inputs: Any) -> Any:
        """Start a bundle; returns the runner to feed. A failed setup is tried again."""
        if self._runner is None or side_inputs:
            transform = self._step.transform
            self._runner = DoFnRunner(
                self.dofn,
                getattr(transform, "args", []),
                getattr(transform, "kwargs", {}),
                side_inputs,
                self._step.inputs[0].windowing,
                tagged_receivers=self.outputs,
                step_name=self._step.full_label,
                state=DoFnState(CounterFactory()),
            )
        if not self._is_set_up:
            self._runner.setup()
            self._is_set_up = True
        for output in self.outputs.values():
            output.values = []
        self._runner.start()
        return self._runner

    def teardown(self) -> None:
        """Tear the DoFn down; an error there is logged, for there is no bundle to retry."""
        if self._runner is None:
            return
        try:
            self._runner.teardown()
        except Exception:
            log.exception("%s: teardown failed", self._step.full_label)


class ParDo(_TransformEvaluator):
    """Runs a stateless DoFn that was set up before."""

    def __init__(
        self, context: Any, step: Any, bundle: Any, side_inputs: Any, worker: DoFnWorker
    ) -> None:
        super().__init__(context, step, bundle, side_inputs)
        self._worker = worker

    def start_bundle(self) -> None:
        """Start the DoFn's bundle."""
        self._runner = self._worker.start(self._side_inputs)
        self.process_element = self._runner.process

    def finish_bundle(self) -> TransformResult:
        """Finish the DoFn's bundle and take its outputs."""
        self._runner.finish()
        bundles = []
        for tag, output in self._worker.outputs.items():
            bundle = self._evaluation_context.create_bundle(output.pcollection)
            bundle.tag = tag
            bundle.fill(output.values)
            bundles.append(bundle)
        return TransformResult(self, bundles, [], None, None)


class Reify(_TransformEvaluator):
    """Pairs each value with its windows for GroupByKey, without a DoFn call per element."""

    def process_element(self, element: Any) -> None:
        """Nothing to do one by one."""

    def finish_bundle(self) -> TransformResult:
        """The input, its values as (key, WindowedValue)."""
        (output,) = self._outputs
        bundle = self._evaluation_context.create_bundle(output)
        bundle.fill(
            [_reified(each) for each in self._input_committed_bundle.get_elements_iterable()]
        )
        return TransformResult(self, [bundle], [], None, None)


def _reified(element: Any) -> Any:
    key, value = element.value
    return element.with_value((key, element.with_value(value)))


class Flatten(_FlattenEvaluator):
    """Hands its input on whole."""

    def process_element(self, element: Any) -> None:
        """Nothing to do one by one."""

    def finish_bundle(self) -> TransformResult:
        """The input's elements as a bundle of the output."""
        self.bundle.fill(self._input_committed_bundle.get_elements_iterable())
        return TransformResult(self, [self.bundle], [], None, None)
