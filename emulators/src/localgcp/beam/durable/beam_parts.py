"""Every name of Beam's that the durable engine uses and Beam does not promise to keep.

Nothing else under `durable/` imports from `apache_beam.runners` or a private name;
tests/unit/emulators/beam/test_beam_parts.py holds what is asked of each.
"""

from __future__ import annotations

from apache_beam.io.gcp.pubsub import _PubSubSource as PubSubSource
from apache_beam.io.iobase import _WriteWindowedBundleDoFn as FileWritingDoFn
from apache_beam.metrics.cells import HistogramCell, HistogramData
from apache_beam.metrics.execution import MetricKey, MetricResult
from apache_beam.metrics.monitoring_infos import USER_METRIC_URNS, consolidate
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from apache_beam.portability.python_urns import EMBEDDED_PYTHON
from apache_beam.runners.common import DoFnSignature
from apache_beam.runners.direct.clock import RealClock, TestClock
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.pipeline_utils import (
    group_by_key_input_visitor,
    merge_common_environments,
    merge_superset_dep_environments,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, translations
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiMetrics
from apache_beam.runners.worker.bundle_processor import (
    DATA_INPUT_URN,
    DATA_OUTPUT_URN,
    BundleProcessor,
    DataInputOperation,
)
from apache_beam.runners.worker.data_plane import (
    ClosableOutputStream,
    DataChannel,
    DataChannelFactory,
)
from apache_beam.runners.worker.sdk_worker import CachingStateHandler
from apache_beam.transforms.environments import (
    EmbeddedPythonEnvironment,
    resolve_anyof_environment,
)
from apache_beam.transforms.sideinputs import _global_window_mapping_fn as to_the_one_window
from apache_beam.transforms.trigger import (
    GeneralTriggerDriver,
    InMemoryUnmergedState,
    MergeableStateAdapter,
)

__all__ = [
    "DATA_INPUT_URN",
    "DATA_OUTPUT_URN",
    "EMBEDDED_PYTHON",
    "USER_METRIC_URNS",
    "BundleProcessor",
    "CachingStateHandler",
    "ClosableOutputStream",
    "DataChannel",
    "DataChannelFactory",
    "DataInputOperation",
    "DoFnSignature",
    "EmbeddedPythonEnvironment",
    "FileWritingDoFn",
    "FnApiMetrics",
    "FnApiRunner",
    "GeneralTriggerDriver",
    "HistogramCell",
    "HistogramData",
    "InMemoryUnmergedState",
    "MergeableStateAdapter",
    "MetricKey",
    "MetricResult",
    "PipelineContext",
    "PubSubSource",
    "RealClock",
    "TestClock",
    "beam_fn_api_pb2",
    "beam_runner_api_pb2",
    "common_urns",
    "consolidate",
    "endpoints_pb2",
    "group_by_key_input_visitor",
    "merge_common_environments",
    "merge_superset_dep_environments",
    "resolve_anyof_environment",
    "to_the_one_window",
    "translations",
]
