"""Runs bundles of one stage on Beam's own worker code, in this process and thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localgcp.beam.durable.beam_parts import (
    USER_METRIC_URNS,
    BundleProcessor,
    CachingStateHandler,
    ClosableOutputStream,
    DataChannel,
    DataChannelFactory,
    DataInputOperation,
    HistogramCell,
    HistogramData,
    MetricKey,
    beam_fn_api_pb2,
)
from localgcp.beam.durable.plan import Family, Stage

CHECKPOINT_SECONDS = 1.0
"""After so long an element of a splittable DoFn is asked for its remainder."""


@dataclass
class Output:
    """What a bundle brought."""

    data: dict[str, list[bytes]] = field(default_factory=dict)
    """Encoded elements by output transform."""
    timers: dict[Family, list[bytes]] = field(default_factory=dict)
    """Timers set and cleared, in order."""
    residuals: list[Any] = field(default_factory=list)
    """DelayedBundleApplications: what is left of elements of a splittable DoFn."""
    metrics: list[Any] = field(default_factory=list)
    """MonitoringInfos of the user's metrics."""
    histograms: dict[MetricKey, HistogramData] = field(default_factory=dict)
    """The user's metrics that Beam writes no MonitoringInfo of."""
    needs_finalizing: bool = False


class Worker:
    """One stage's DoFns, set up once and used for bundle after bundle until one fails."""

    def __init__(self, stage: Stage, state: CachingStateHandler) -> None:
        """Sets the DoFns up."""
        self._stage = stage
        self._channel = _Channel()
        self._processor = BundleProcessor(
            frozenset(), stage.descriptor, state, _Channels(self._channel)
        )
        self._inputs = [
            each for each in self._processor.ops.values() if isinstance(each, DataInputOperation)
        ]
        self._bundles = 0

    def run(self, data: Mapping[str, list[bytes]], timers: Mapping[Family, list[bytes]]) -> Output:
        """Process one bundle; raises what user code raises, and is of no use then."""
        self._bundles += 1
        if self._bundles > 1:
            self._processor.reset()
        output = self._channel.begin(data, timers)
        name = str(self._bundles)
        with self._checkpoints(name, output):
            residuals, output.needs_finalizing = self._processor.process_bundle(name)
        output.residuals.extend(residuals)
        output.metrics = [
            info for info in self._processor.monitoring_infos() if info.urn in USER_METRIC_URNS
        ]
        output.histograms = self._histograms()
        return output

    @property
    def at(self) -> int:
        """How many elements and timers of the bundle at hand have been begun. From any thread."""
        return self._channel.timers + sum(int(each.index) + 1 for each in self._inputs)

    def finalize(self) -> None:
        """Call back what asked to be called once the bundle's result is safe."""
        self._processor.finalize_bundle()

    def close(self) -> None:
        """Tear the DoFns down."""
        self._processor.shutdown()

    def _histograms(self) -> dict[MetricKey, HistogramData]:
        return {
            MetricKey(transform, name.metric_name): cell.get_cumulative()
            for transform, operation in self._processor.ops.items()
            for name, cell in operation.metrics_container.metrics.items()
            if isinstance(cell, HistogramCell)
        }

    @contextmanager
    def _checkpoints(self, bundle: str, output: Output) -> Iterator[None]:
        """Meanwhile ask a splittable DoFn, again and again, to put off what is left."""
        splittable = self._stage.splittable
        if splittable is None:
            yield
            return
        over = threading.Event()
        request = beam_fn_api_pb2.ProcessBundleSplitRequest(instruction_id=bundle)
        for name in self._stage.inputs:
            desired = request.desired_splits[name]
            desired.fraction_of_remainder, desired.estimated_input_elements = 0.0, 1

        def ask() -> None:
            while not over.wait(CHECKPOINT_SECONDS):
                output.residuals.extend(self._processor.try_split(request).residual_roots)

        asking = threading.Thread(target=ask, name="checkpoints", daemon=True)
        asking.start()
        try:
            yield
        finally:
            over.set()
            asking.join()


class _Channel(DataChannel):
    """Hands a bundle's input to the worker and takes its output, as encoded elements."""

    def __init__(self) -> None:
        self._input: list[Any] = []
        self._output = Output()
        self.timers = 0
        """How many of the bundle at hand the worker has taken."""

    def begin(
        self, data: Mapping[str, list[bytes]], timers: Mapping[Family, list[bytes]]
    ) -> Output:
        """Take the next bundle; its output is filled while it runs."""
        elements = beam_fn_api_pb2.Elements
        self._input = [
            elements.Data(transform_id=name, data=piece)
            for name, pieces in data.items()
            for piece in pieces
        ] + [
            elements.Timers(transform_id=name, timer_family_id=family, timers=piece)
            for (name, family), pieces in timers.items()
            for piece in pieces
        ]
        self._output, self.timers = Output(), 0
        return self._output

    def input_elements(
        self, instruction_id: Any, expected_inputs: Any, abort_callback: Any = None
    ) -> Iterator[Any]:
        """What the worker reads; inputs that bring nothing have ended."""
        for each in self._input:
            self.timers += isinstance(each, beam_fn_api_pb2.Elements.Timers)
            yield each

    def output_stream(self, instruction_id: str, transform_id: str) -> ClosableOutputStream:
        """Where the worker writes an output's elements."""
        return _collecting(self._output.data.setdefault(transform_id, []))

    def output_timer_stream(
        self, instruction_id: str, transform_id: str, timer_family_id: str
    ) -> ClosableOutputStream:
        """Where the worker writes a family's timers."""
        return _collecting(self._output.timers.setdefault((transform_id, timer_family_id), []))

    def close(self) -> None:
        """Nothing is open."""


def _collecting(pieces: list[bytes]) -> ClosableOutputStream:
    def take(piece: bytes) -> None:
        if piece:
            pieces.append(piece)

    return ClosableOutputStream.create(take, take, 0)


class _Channels(DataChannelFactory):
    """Gives the worker the one channel there is."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def create_data_channel(self, remote_grpc_port: Any, data_stream_id: Any = None) -> _Channel:
        """The channel of a port."""
        return self._channel

    def create_data_channel_from_url(self, url: Any, data_stream_id: Any = None) -> _Channel:
        """The channel of timers."""
        return self._channel

    def close(self) -> None:
        """Nothing is open."""
