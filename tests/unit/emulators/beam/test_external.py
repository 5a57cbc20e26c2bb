"""Transforms that an expansion service made: Python's own run here, others are refused by name."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import pytest
from apache_beam.portability.common_urns import environments
from apache_beam.runners.portability.expansion_service import ExpansionServiceServicer
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.external import ImplicitSchemaPayloadBuilder
from apache_beam.transforms.fully_qualified_named_transform import (
    PYTHON_FULLY_QUALIFIED_NAMED_TRANSFORM_URN,
    FullyQualifiedNamedTransform,
)

from localgcp.beam import LocalRunner
from localgcp.beam.errors import UnsupportedTransform


@pytest.fixture
def counted() -> Any:
    """Beam's Count.PerElement, by way of a service that expands Python's transforms."""
    constructor = {"constructor": "apache_beam.transforms.combiners.Count.PerElement"}
    with FullyQualifiedNamedTransform.with_filter("*"):
        yield beam.ExternalTransform(
            PYTHON_FULLY_QUALIFIED_NAMED_TRANSFORM_URN,
            ImplicitSchemaPayloadBuilder(constructor),
            ExpansionServiceServicer(),
        )


def test_pythons_own_run(counted: Any) -> None:
    with beam.Pipeline(LocalRunner()) as pipeline:
        assert_that(
            pipeline | beam.Create(["a", "b", "a"]) | counted, equal_to([("a", 2), ("b", 1)])
        )


def test_those_of_a_container_are_refused(counted: Any) -> None:
    pipeline = beam.Pipeline(LocalRunner())
    pipeline | beam.Create(["a"]) | counted
    for environment in counted._expanded_components.environments.values():
        environment.urn = environments.DOCKER.urn
    with pytest.raises(UnsupportedTransform, match="written in another language"):
        pipeline.run()
