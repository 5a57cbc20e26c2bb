"""Side inputs that are outputs of one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from localgcp.beam import LocalRunner


class Parity(beam.DoFn):
    """Even numbers to the main output, odd ones to another."""

    def process(self, number: int) -> Iterator[Any]:
        yield number if number % 2 == 0 else beam.pvalue.TaggedOutput("odd", number)


def both(_: Any, even: Iterable[int], odd: Iterable[int]) -> tuple[list[int], list[int]]:
    return sorted(even), sorted(odd)


def test_each_output_is_a_side_input_of_its_own() -> None:
    with beam.Pipeline(runner=LocalRunner()) as pipeline:
        numbers = pipeline | beam.Create([1, 2, 3, 4])
        even, odd = numbers | beam.ParDo(Parity()).with_outputs("odd", main="even")
        views = beam.pvalue.AsIter(even), beam.pvalue.AsIter(odd)
        seen = pipeline | "once" >> beam.Create([None]) | beam.Map(both, *views)
        assert_that(seen, equal_to([([2, 4], [1, 3])]))
