"""What a pipeline asks of its runner, seen before anything is changed in it."""

from __future__ import annotations

from typing import Any

from apache_beam.io.gcp.pubsub import _PubSubSource
from apache_beam.pipeline import PipelineVisitor
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.core import GroupByKey, ParDo
from apache_beam.transforms.external import ExternalTransform
from apache_beam.transforms.trigger import AccumulationMode, DefaultTrigger
from apache_beam.transforms.userstate import is_stateful_dofn

from localgcp.beam.durable.beam_parts import DoFnSignature
from localgcp.beam.errors import UnsupportedTransform


class Survey(PipelineVisitor):
    """Visits every transform and notes what only the durable engine does."""

    def __init__(self) -> None:
        self.uses_test_stream = False
        self._is_fed = False
        self._keeps = False
        self._keeps_if_fed = False

    def wants_durable(self) -> bool:
        """Whether something must be kept that acks can't follow: state, timers, restrictions,
        panes that accumulate, side inputs that never end."""
        return self._keeps or (self._is_fed and self._keeps_if_fed)

    def enter_composite_transform(self, applied: Any) -> None:
        """Note it; a GroupByKey is one."""
        self.visit_transform(applied)

    def visit_transform(self, applied: Any) -> None:
        """Note what it is. Raises UnsupportedTransform for another language's transform."""
        transform = applied.transform
        if isinstance(transform, ExternalTransform):
            raise UnsupportedTransform(applied.full_label, "it is written in another language")
        if isinstance(transform, TestStream):
            self.uses_test_stream = self._is_fed = True
        elif isinstance(getattr(transform, "source", None), _PubSubSource):
            self._is_fed = True
        elif isinstance(transform, ParDo):
            signature = DoFnSignature(transform.fn)
            if is_stateful_dofn(transform.fn) or signature.is_splittable_dofn():
                self._keeps = True
        elif isinstance(transform, GroupByKey):
            windowing = applied.inputs[0].windowing
            if (
                windowing.accumulation_mode == AccumulationMode.ACCUMULATING
                and windowing.triggerfn != DefaultTrigger()
            ):
                self._keeps_if_fed = True
        if any(not view.pvalue.is_bounded for view in applied.side_inputs):
            self._keeps_if_fed = True
