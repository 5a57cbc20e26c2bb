"""Bundles that know which pulls they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apache_beam.runners.direct.bundle_factory import BundleFactory, _Bundle
from apache_beam.runners.direct.util import TransformResult
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp


class PullBatch:
    """The messages of one pull: acked together, once `holds` is back at zero.

    `holds` counts each bundle not yet consumed, each open window that has data of this pull, and
    at first the pull itself, until its bundle is committed.
    """

    __slots__ = ("_done", "ack_ids", "due", "holds", "identities", "messages", "size")

    def __init__(self, done: Callable[[PullBatch], None]) -> None:
        """`done` is called once, when the messages may be acked."""
        self._done = done
        self.ack_ids: list[str] = []
        self.identities: list[str] = []
        """By what its messages are known when they come again, if that must outlive the job."""
        self.messages = 0
        """Messages counted as outstanding; duplicates of one held add ack ids only."""
        self.size = 0
        """Payload bytes."""
        self.holds = 1
        self.due = 0.0
        """When its deadlines must be extended next, by the clock of whoever leases it."""

    def release(self) -> None:
        """One of the holds is gone."""
        self.holds -= 1
        if self.holds == 0:
            self._done(self)


Lineage = tuple[PullBatch, ...]


class TracedBundle(_Bundle):
    """A bundle with its lineage; None until it is known (then it is that of the input)."""

    def __init__(self, pcollection: Any) -> None:
        super().__init__(pcollection, stacked=False)
        self.lineage: Lineage | None = None
        self._earliest: Timestamp | None = None

    def fill(self, elements: Any) -> None:
        """Take a whole sequence of WindowedValues at once."""
        self._elements = elements

    @property
    def earliest(self) -> Timestamp:
        """Smallest timestamp of its elements, MAX_TIMESTAMP if it is empty; computed once."""
        if self._earliest is None:
            micros = min([value.timestamp_micros for value in self._elements], default=None)
            self._earliest = MAX_TIMESTAMP if micros is None else Timestamp(micros=micros)
        return self._earliest


class TracedBundleFactory(BundleFactory):
    """Makes traced bundles wherever Beam asks for a bundle."""

    def __init__(self) -> None:
        super().__init__(stacked=False)

    def create_bundle(self, output_pcollection: Any) -> TracedBundle:
        """An uncommitted bundle of that PCollection."""
        return TracedBundle(output_pcollection)


class TracedResult(TransformResult):
    """A result that also moves pulls in or out of keyed state.

    `held`: one entry per (window, pull) that now waits; `let_go`: one per wait that ended.
    """

    def __init__(self, evaluator: Any, bundles: list[Any], holds: Any) -> None:
        super().__init__(evaluator, bundles, [], None, holds)
        self.held: list[PullBatch] = []
        self.let_go: list[PullBatch] = []
