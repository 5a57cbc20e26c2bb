"""LocalRunner: Beam's BundleBasedDirectRunner for streams that must not lose anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.options.value_provider import RuntimeValueProvider
from apache_beam.runners.direct.clock import RealClock, TestClock
from apache_beam.runners.direct.consumer_tracking_pipeline_visitor import (
    ConsumerTrackingPipelineVisitor,
)
from apache_beam.runners.direct.direct_runner import (
    BundleBasedDirectRunner,
    _DirectReadFromPubSub,
    _get_transform_overrides,
)
from apache_beam.runners.runner import PipelineResult

from localgcp import environment
from localgcp.base import LOOPBACK
from localgcp.beam import cloud
from localgcp.beam.connect import open_reader
from localgcp.beam.context import LocalContext
from localgcp.beam.durable.build import build
from localgcp.beam.engine import Engine
from localgcp.beam.evaluators import Registry
from localgcp.beam.job import Job, Work
from localgcp.beam.options import LocalRunnerOptions
from localgcp.beam.source import Connect, Reader
from localgcp.beam.status import StatusServer
from localgcp.beam.survey import Survey
from localgcp.guard import Allowed


class LocalRunner(BundleBasedDirectRunner):
    """Runs a pipeline in this process; a message of Pub/Sub is acked when all its work is done.

    Where something must be kept that acks can't follow, the durable engine runs it (ADR 17). Else
    it takes the graph as BundleBasedDirectRunner does and shares its overrides, watermarks and
    triggers; what is replaced is replaced by subclasses, so stock runners in the same process are
    as they were. User code that fails is retried for ever, as Dataflow does for streams. See
    LocalRunnerOptions for what can be set.
    """

    def __init__(
        self,
        connect: Connect = open_reader,
        is_drain: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connect` opens the reader of a subscription or topic; `monotonic` is a clock of seconds.

        `is_drain`, as FnApiRunner's, begins the job in its drain: the restrictions of splittable
        DoFns are truncated before they are processed.
        """
        super().__init__()
        cloud.lead()
        self._connect, self._is_drain, self._monotonic = connect, is_drain, monotonic

    def run_pipeline(self, pipeline: Any, options: Any) -> PipelineResult:
        """Start the job.

        Raises UnsupportedTransform, StatusPortBusy, SubscriptionUnusable, StoreBusy,
        StoreUnusable, StateOfAnother.
        """
        survey = Survey()
        pipeline.visit(survey)
        RuntimeValueProvider.set_runtime_options({})
        if survey.wants_durable():
            engine = build(pipeline, options, self._connect, self._monotonic)
            return self._started(engine, engine.readers, options)
        pipeline.replace_all(_get_transform_overrides(options))
        visitor = ConsumerTrackingPipelineVisitor()
        pipeline.visit(visitor)
        clock = TestClock() if survey.uses_test_stream else RealClock()
        return self._start(visitor, options, clock)

    def _start(self, visitor: Any, options: Any, clock: Any) -> Job:
        local = options.view_as(LocalRunnerOptions)
        readers = {
            step: self._connect(step.full_label, step.transform._source, options)
            for step in visitor.root_transforms
            if isinstance(step.transform, _DirectReadFromPubSub)
        }
        context = LocalContext(options, visitor, clock)
        registry = Registry(context, readers)
        engine = Engine(
            context,
            registry,
            visitor,
            readers.values(),
            local.drain_timeout_seconds,
            self._monotonic,
            local.bounded_attempts,
        )
        return self._started(engine, readers.values(), options)

    def _started(self, engine: Work, readers: Collection[Reader], options: Any) -> Job:
        local = options.view_as(LocalRunnerOptions)
        port = local.status_port
        host, allowed = local.status_host or LOOPBACK, environment.allowed
        may = Allowed.of(allowed("host"), allowed("origin"))
        server = None if port is None else StatusServer(port, host, may)
        if self._is_drain:
            engine.drain()
        job = Job(engine, readers, server, options.view_as(StandardOptions).streaming or False)
        job.start()
        return job
