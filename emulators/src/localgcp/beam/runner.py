"""LocalRunner: Beam's BundleBasedDirectRunner for streams that must not lose anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apache_beam.io.gcp.pubsub import _PubSubSource
from apache_beam.options.pipeline_options import GoogleCloudOptions
from apache_beam.options.value_provider import RuntimeValueProvider
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners.direct.clock import RealClock, TestClock
from apache_beam.runners.direct.consumer_tracking_pipeline_visitor import (
    ConsumerTrackingPipelineVisitor,
)
from apache_beam.runners.direct.direct_runner import (
    BundleBasedDirectRunner,
    _DirectReadFromPubSub,
    _get_transform_overrides,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.core import ParDo
from apache_beam.transforms.external import ExternalTransform
from apache_beam.transforms.userstate import is_stateful_dofn

from localgcp import environment
from localgcp.base import LOOPBACK
from localgcp.beam import cloud, refusals
from localgcp.beam.connect import open_reader
from localgcp.beam.context import LocalContext
from localgcp.beam.engine import Engine
from localgcp.beam.errors import UnsupportedTransform
from localgcp.beam.evaluators import Registry
from localgcp.beam.job import Job
from localgcp.beam.options import LocalRunnerOptions
from localgcp.beam.source import Reader
from localgcp.beam.status import StatusServer
from localgcp.guard import Allowed


class LocalRunner(BundleBasedDirectRunner):
    """Runs a pipeline in this process; a message of Pub/Sub is acked when all its work is done.

    Takes the graph as BundleBasedDirectRunner does and shares its overrides, watermarks and
    triggers; what is replaced is replaced by subclasses, so stock runners in the same process are
    as they were. User code that fails is retried for ever, as Dataflow does for streams. See
    LocalRunnerOptions for what can be set.
    """

    def __init__(self, connect: Callable[[Any, str | None, Any], Reader] = open_reader) -> None:
        """`connect(source, project, options)` opens the reader of a _PubSubSource."""
        super().__init__()
        cloud.lead()
        self._connect = connect

    def run_pipeline(self, pipeline: Any, options: Any) -> PipelineResult:
        """Start the job. Raises UnsupportedTransform, StatusPortBusy, SubscriptionUnusable.

        Where a bounded pipeline keeps state, Beam's FnApiRunner runs it, to its end: what timers
        emit at the end of the input is lost to a GroupByKey behind them here.
        """
        survey = _Survey()
        pipeline.visit(survey)
        if survey.keeps_state and not survey.is_fed:
            return FnApiRunner().run_pipeline(pipeline, options)
        pipeline.replace_all(_get_transform_overrides(options))
        visitor = ConsumerTrackingPipelineVisitor()
        pipeline.visit(visitor)
        refusals.check(visitor)
        RuntimeValueProvider.set_runtime_options({})
        clock = TestClock() if survey.uses_test_stream else RealClock()
        return self._start(visitor, options, clock)

    def _start(self, visitor: Any, options: Any, clock: Any) -> Job:
        local = options.view_as(LocalRunnerOptions)
        port = local.status_port
        host, allowed = local.status_host or LOOPBACK, environment.allowed
        may = Allowed.of(allowed("host"), allowed("origin"))
        server = None if port is None else StatusServer(port, host, may)
        project = options.view_as(GoogleCloudOptions).project
        readers = {
            step: self._connect(step.transform._source, project, local)
            for step in visitor.root_transforms
            if isinstance(step.transform, _DirectReadFromPubSub)
        }
        context = LocalContext(options, visitor, clock)
        registry = Registry(context, readers)
        engine = Engine(context, registry, visitor, readers.values(), local.drain_timeout_seconds)
        job = Job(engine, context, registry, readers.values(), server)
        job.start()
        return job


class _Survey(PipelineVisitor):
    """Looks at the pipeline as the user wrote it."""

    uses_test_stream = False
    is_fed = False
    """Whether its input comes bit by bit: from Pub/Sub or a TestStream."""
    keeps_state = False

    def visit_transform(self, applied: Any) -> None:
        """Note what it is. Raises UnsupportedTransform for another language's transform."""
        transform = applied.transform
        if isinstance(transform, ExternalTransform):
            raise UnsupportedTransform(applied.full_label, "it is written in another language")
        if isinstance(transform, TestStream):
            self.uses_test_stream = self.is_fed = True
        elif isinstance(getattr(transform, "source", None), _PubSubSource):
            self.is_fed = True
        elif isinstance(transform, ParDo):
            self.keeps_state = self.keeps_state or is_stateful_dofn(transform.fn)
