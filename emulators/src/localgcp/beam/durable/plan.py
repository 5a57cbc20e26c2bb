"""A pipeline as stages: what is fused into one worker, what is grouped, where data comes in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from apache_beam.coders.coder_impl import CoderImpl
from apache_beam.pvalue import SideInputData

from localgcp.beam.durable.beam_parts import DATA_INPUT_URN, DATA_OUTPUT_URN, translations

IMPULSE = translations.IMPULSE_BUFFER
"""The buffer of inputs that no stage writes."""

Family = tuple[str, str]
"""A transform's name and the name of its timer family."""


@dataclass(frozen=True)
class TimerFamily:
    """How the timers of one family are written, and by which time they fire."""

    coder: CoderImpl
    by_event_time: bool


@dataclass(frozen=True)
class SideInput:
    """One side input of one ParDo."""

    transform: str
    tag: str
    buffer: bytes
    """What is written there is its content."""
    data: SideInputData
    window_coder: Any
    element_coder: Any
    windowing: Any
    """Of the side input itself."""


@dataclass(frozen=True)
class Splittable:
    """The processing part of a splittable DoFn, first in its stage."""

    transform: str
    provider: Any
    """Its RestrictionProvider."""


@dataclass
class Stage:
    """What one worker runs in one go."""

    name: str
    descriptor: Any
    inputs: dict[str, bytes] = field(default_factory=dict)
    """Buffer that each input transform reads."""
    outputs: dict[str, bytes] = field(default_factory=dict)
    """Buffer that each output transform writes."""
    coders: dict[str, CoderImpl] = field(default_factory=dict)
    """Of the elements that go through each input and output transform, with their windows."""
    families: dict[Family, TimerFamily] = field(default_factory=dict)
    side_inputs: list[SideInput] = field(default_factory=list)
    splittable: Splittable | None = None
    one_by_one: bool = False
    """Whether a bundle may have one element and no more."""
    state_windows: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Window coder and allowed lateness of each transform that keeps state."""


@dataclass(frozen=True)
class Group:
    """A GroupByKey: what is written to `buffer` is grouped and read from it."""

    buffer: bytes
    name: str
    windowing: Any
    input_coder: Any
    output_coder: Any


@dataclass(frozen=True)
class Root:
    """Where data comes in: an input transform of a stage that no buffer feeds."""

    transform: str
    kind: str
    """impulse, pubsub or stream."""
    payload: Any = None
    """PubSubReadPayload, or TestStreamPayload."""
    tag: str | None = None
    """Output of the TestStream."""
    stream: str = ""
    """Name of the TestStream, which its outputs share."""
    element_coder: Any = None


@dataclass
class Plan:
    """The whole graph, stages in topological order."""

    stages: list[Stage]
    groups: dict[bytes, Group]
    roots: dict[str, Root]
    """By input transform."""
    context: Any

    def fingerprint(self) -> str:
        """Changes with what a store's content depends on: the transforms and their links.

        How they are fused is left out: in Beam's translations it follows the order of sets and of
        protobuf's maps, which is another in each process.
        """
        lines = [repr(family) for stage in self.stages for family in stage.families]
        for stage in self.stages:
            for name, transform in stage.descriptor.transforms.items():
                if transform.spec.urn not in (DATA_INPUT_URN, DATA_OUTPUT_URN):
                    links = sorted([*transform.inputs.items(), *transform.outputs.items()])
                    lines.append(f"{name} {transform.spec.urn} {links}")
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
