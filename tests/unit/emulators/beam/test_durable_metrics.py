"""The user's metrics of the durable engine, summed over bundles."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.utils.histogram import LinearBucket

from localgcp.beam import LocalRunner


class Measured(beam.DoFn):
    """Counts its numbers by size, in buckets of ten."""

    def __init__(self, name: str) -> None:
        self._sizes = Metrics.histogram("numbers", name, LinearBucket(0, 10, num_buckets=5))

    def process(self, number: int) -> Iterator[int]:
        self._sizes.update(number)
        yield number


def test_a_histogram_is_summed_over_bundles_and_asked_for_by_step() -> None:
    stream = Stream().add_elements([1, 2, 11]).add_elements([3, 49])
    with beam.Pipeline(LocalRunner(), options=PipelineOptions(["--streaming"])) as pipeline:
        numbers = pipeline | stream | "first" >> beam.ParDo(Measured("sizes"))
        numbers | "second" >> beam.ParDo(Measured("others"))
    found = pipeline.result.metrics().query(MetricsFilter().with_name("sizes"))["histograms"]
    (metric,) = found
    assert metric.key.step == "first"
    assert metric.committed.histogram.total_count() == 5
    assert metric.committed.histogram._buckets == {0: 3, 1: 1, 4: 1}
    assert len(pipeline.result.metrics().query()["histograms"]) == 2
