"""What a pipeline asks of its runner, seen before anything is changed in it."""

from __future__ import annotations

from typing import Any

from apache_beam.io.gcp.pubsub import _PubSubSource
from apache_beam.pipeline import PipelineVisitor
from apache_beam.testing.test_stream import PairWithTiming, TestStream
from apache_beam.transforms.core import DoFn, GroupByKey, ParDo
from apache_beam.transforms.external import ExternalTransform
from apache_beam.transforms.trigger import AccumulationMode, DefaultTrigger
from apache_beam.transforms.userstate import is_stateful_dofn

from localgcp.beam.durable.beam_parts import (
    EMBEDDED_PYTHON,
    DoFnSignature,
    common_urns,
    resolve_anyof_environment,
)
from localgcp.beam.errors import UnsupportedTransform


class Survey(PipelineVisitor):
    """Visits every transform and notes what only the durable engine does."""

    def __init__(self) -> None:
        self.uses_test_stream = False
        self._is_fed = False
        self._wants_more = False
        self._records = False

    def wants_durable(self) -> bool:
        """Whether the durable engine is to run it.

        It runs what is bounded, as stock Beam's FnApiRunner would, and a stream of which something
        must be kept that acks can't follow: state, timers, restrictions, panes that accumulate,
        side inputs that never end. A recording for Beam's interactive runner it does not: its
        PairWithTiming reads the other engine's watermarks, and the state of its recorder ends with
        the notebook.
        """
        return not self._records and (self._wants_more or not self._is_fed)

    def enter_composite_transform(self, applied: Any) -> None:
        """Note it; a GroupByKey is one."""
        self.visit_transform(applied)

    def visit_transform(self, applied: Any) -> None:
        """Note what it is. Raises UnsupportedTransform for another language's transform."""
        transform = applied.transform
        if isinstance(transform, ExternalTransform):
            if not _runs_here(transform):
                raise UnsupportedTransform(applied.full_label, "it is written in another language")
            self._wants_more = True
        elif isinstance(transform, TestStream):
            self.uses_test_stream = self._is_fed = True
        elif isinstance(getattr(transform, "source", None), _PubSubSource):
            self._is_fed = True
        elif isinstance(transform, PairWithTiming):
            self._records = True
        elif isinstance(transform, ParDo):
            self._wants_more = self._wants_more or _wants_more(transform.fn)
        elif isinstance(transform, GroupByKey):
            windowing = applied.inputs[0].windowing
            if (
                windowing.accumulation_mode == AccumulationMode.ACCUMULATING
                and windowing.triggerfn != DefaultTrigger()
            ):
                self._wants_more = True
        if any(not view.pvalue.is_bounded for view in applied.side_inputs):
            self._wants_more = True


def _runs_here(transform: ExternalTransform) -> bool:
    """Whether all that an expansion service made of it is Python's, for this very process."""
    here = (EMBEDDED_PYTHON, common_urns.environments.DEFAULT.urn)
    return all(
        resolve_anyof_environment(environment, *here).urn in here
        for environment in transform._expanded_components.environments.values()
    )


def _wants_more(dofn: DoFn) -> bool:
    """Whether a DoFn has state, timers or a restriction, takes batches, or waits for a commit."""
    signature = DoFnSignature(dofn)
    return bool(
        is_stateful_dofn(dofn)
        or signature.is_splittable_dofn()
        or signature.has_bundle_finalization()
        or dofn._process_batch_defined
    )
