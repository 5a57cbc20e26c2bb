"""Which of the wheel's test modules concern a runner, and why the others don't."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import apache_beam

WHEEL = Path(apache_beam.__file__).parent

_MAKES_A_PIPELINE = re.compile(r"TestPipeline|\bPipeline\(")

IN = "in"
NO_PIPELINE = "make no pipeline"
REASONS = {
    "another runner's own: Dataflow's, Dask's, interactive, portable job servers": (
        "runners/dask/",
        "runners/dataflow/",
        "runners/interactive/",
        "runners/portability/",
        "io/flink/",
    ),
    "need a service, its client, or Java": (
        "coders/row_coder_it_test.py",
        "io/azure/",
        "io/aws/",
        "io/debezium_test.py",
        "io/external/",
        "io/gcp/",
        "io/jdbc_test.py",
        "io/kafka",
        "io/mongodbio",
        "io/requestresponse_it_test.py",
        "transforms/enrichment_handlers/",
        "transforms/enrichment_it_test.py",
        "transforms/external",
        "transforms/validate_runner_xlang_test.py",
        "transforms/sql_test.py",
    ),
    "Beam YAML, a language of its own": ("yaml/",),
    "need a model, or a framework for one": ("examples/inference/", "examples/ml_", "ml/"),
    "need pandas below 2.4, where the clients have 3": ("dataframe/", "examples/dataframe/"),
    "measure load": ("testing/benchmarks/", "testing/load_tests/"),
}
"""Why modules are out that make pipelines, by their paths in the wheel; the first that fits."""

ALL_THE_SAME = (
    "io/gcp/bigquery_file_loads_test.py",
    "io/gcp/bigquery_test.py",
    "io/gcp/pubsub_test.py",
    "ml/inference/base_test.py",
    "runners/portability/fn_api_runner/fn_runner_test.py",
)
"""They concern it all the same: what a stream of this project's uses."""

OUT_CLASSES = (
    "GbekIT",
    "GroupByEncryptedKeyTest",
    "FnApiBasedLullLoggingTest",
    "FnApiBasedStateBackedCoderTest",
    "FnApiRunnerMetricsTest",
    "FnApiRunnerSplitTest",
    "FnApiRunnerTestWithBundleRepeat",
    "FnApiRunnerTestWithBundleRepeatAndMultiWorkers",
    "FnApiRunnerTestWithDisabledCaching",
    "FnApiRunnerTestWithGrpc",
    "FnApiRunnerTestWithGrpcAndMultiWorkers",
    "FnApiRunnerTestWithMultiWorkers",
)
"""Classes about FnApiRunner's own workers: how many, over gRPC, split at which element.

GbekIT and GroupByEncryptedKeyTest are about Google's Secret Manager.
"""


def why_out(path: str) -> str | None:
    """Why a module is out; None for one that is in. `path` is within the wheel."""
    if not _MAKES_A_PIPELINE.search((WHEEL / path).read_text()):
        return NO_PIPELINE
    if path.startswith(ALL_THE_SAME):
        return None
    return next((why for why, places in REASONS.items() if path.startswith(places)), None)


@cache
def chosen() -> list[str]:
    """The modules that are in, by their paths in the wheel."""
    return [path for path in _all() if why_out(path) is None]


def counted() -> Counter[str]:
    """How many are in, and how many out for each reason."""
    return Counter(why_out(path) or IN for path in _all())


def _all() -> list[str]:
    return sorted(str(path.relative_to(WHEEL)) for path in WHEEL.rglob("*_test.py"))
