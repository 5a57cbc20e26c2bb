"""The running graph: stages and groupings in order, their watermarks, and who feeds whom."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from localgcp.agenda import Agenda
from localgcp.beam.durable.grouping import Grouping
from localgcp.beam.durable.plan import IMPULSE, Plan, Stage
from localgcp.beam.durable.sources import BEGIN, END, NOTHING, Source
from localgcp.beam.durable.state import State
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.timers import Timers
from localgcp.beam.durable.views import View, Views
from localgcp.beam.durable.worker import Worker

log = logging.getLogger(__name__)


class Node:
    """A part of the graph with watermarks, in microseconds; they never go back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.input = BEGIN
        """Nothing older is to come in."""
        self.output = BEGIN
        """Nothing older is to come out."""
        self.pending: Agenda[int, int] = Agenda()
        """Holds of the bundles that wait for this node, by their numbers."""
        self.waiting = 0
        """How many bundles wait for it."""

    @property
    def hold(self) -> int:
        """What its own state holds the output back at."""
        return NOTHING

    @property
    def at_end(self) -> bool:
        """Whether nothing can come in any more."""
        return bool(self.input >= END)


class GroupNode(Node):
    """A GroupByKey."""

    def __init__(self, grouping: Grouping) -> None:
        super().__init__(grouping.group.name)
        self.grouping = grouping

    @property
    def hold(self) -> int:
        """What waits in its windows."""
        return self.grouping.hold


class StageNode(Node):
    """A stage with its worker, made when it is first needed and again after a failure."""

    def __init__(self, stage: Stage, store: Store, views: Views) -> None:
        super().__init__(stage.name)
        self.stage = stage
        self.state = State(stage, store, views)
        self.timers = Timers(stage.families, store)
        self.views = [(s, views.of(s.transform, s.tag)) for s in stage.side_inputs]
        self._worker: Worker | None = None

    @property
    def hold(self) -> int:
        """What its timers hold back."""
        return self.timers.hold

    @property
    def worker(self) -> Worker:
        """Its worker, with DoFns that are set up."""
        if self._worker is None:
            self._worker = Worker(self.stage, self.state)
        return self._worker

    @property
    def at(self) -> int:
        """How many elements and timers of the bundle at hand its worker has begun."""
        worker = self._worker
        return 0 if worker is None else worker.at

    def drop_worker(self) -> None:
        """Tear its DoFns down; an error there is logged, for there is no bundle to retry."""
        worker, self._worker = self._worker, None
        if worker is not None:
            try:
                worker.close()
            except Exception:
                log.exception("%s: teardown failed", self.name)

    def is_ready(self, windows: Iterable[Any]) -> bool:
        """Whether all side inputs may be read from these windows."""
        return all(view.is_ready(window) for window in windows for _, view in self.views)


@dataclass(frozen=True)
class Target:
    """Who takes what is written to a buffer: an input of a stage, a grouping or a side input."""

    node: StageNode | GroupNode | None
    transform: str = ""
    view: View | None = None
    coder: Any = None
    """To decode what a side input takes."""


class Graph:
    """All nodes in topological order."""

    def __init__(self, plan: Plan, store: Store, clock: Any, sources: Iterable[Source]) -> None:
        self.views = Views([s for stage in plan.stages for s in stage.side_inputs], store)
        self.nodes: list[StageNode | GroupNode] = []
        self.stages: dict[str, StageNode] = {}
        self.takers: dict[str, StageNode | GroupNode] = {}
        """Who takes a bundle: stages by their input transforms, GroupByKeys by their names."""
        self._sources = {name: source for source in sources for name in source.watermarks}
        self._producers: dict[bytes, list[Node]] = {}
        self._targets: dict[bytes, list[Target]] = {}
        self._groups: dict[bytes, GroupNode] = {}
        coders: dict[bytes, Any] = {}
        for stage in plan.stages:
            for buffer in stage.inputs.values():
                if buffer in plan.groups and buffer not in self._groups:
                    group = GroupNode(Grouping(plan.groups[buffer], clock, store))
                    self._groups[buffer] = self.takers[group.name] = group
                    self.nodes.append(group)
            node = StageNode(stage, store, self.views)
            self.nodes.append(node)
            self.stages[stage.name] = node
            self.takers.update(dict.fromkeys(stage.inputs, node))
            for name, buffer in stage.outputs.items():
                self._producers.setdefault(buffer, []).append(node)
                coders[buffer] = stage.coders[name]
        for node in self.stages.values():
            for name, buffer in node.stage.inputs.items():
                self._targets.setdefault(buffer, []).append(Target(node, name))
        for buffer, coder in coders.items():
            for view in self.views.fed_by(buffer):
                taker = Target(None, view=view, coder=coder)
                self._targets.setdefault(buffer, []).append(taker)

    def written(self, buffer: bytes) -> list[Target]:
        """Who takes what a stage writes to a buffer."""
        group = self._groups.get(buffer)
        return self._targets.get(buffer, []) if group is None else [Target(group)]

    def grouped(self, node: GroupNode) -> list[Target]:
        """Who takes the panes of a grouping."""
        return self._targets.get(node.grouping.group.buffer, [])

    def refresh(self) -> None:
        """Move all watermarks as far as they may."""
        for node in self.nodes:
            came = min(self._arriving(node), node.pending.least(NOTHING))
            node.input = max(node.input, min(came, END))
            node.output = max(node.output, min(node.input, node.hold))
        for stage in self.stages.values():
            for side_input, view in stage.views:
                view.watermark = self._of_buffer(side_input.buffer)
                view.expire(stage.input)
            stage.state.expire(min(stage.input, stage.hold))
        for group in self._groups.values():
            group.grouping.expire(group.input)

    def watermark(self) -> int:
        """All data before it is through."""
        return self._least(self.nodes)

    def groupings(self) -> Iterable[Grouping]:
        """All groupings."""
        return [node.grouping for node in self._groups.values()]

    def _arriving(self, node: StageNode | GroupNode) -> int:
        if isinstance(node, GroupNode):
            return self._least(self._producers.get(node.grouping.group.buffer, ()))
        found = [
            self._sources[name].watermarks[name] if buffer == IMPULSE else self._of_buffer(buffer)
            for name, buffer in node.stage.inputs.items()
        ]
        return int(min(found, default=END))

    def _of_buffer(self, buffer: bytes) -> int:
        group = self._groups.get(buffer)
        return self._least(self._producers.get(buffer, ())) if group is None else group.output

    @staticmethod
    def _least(nodes: Iterable[Node]) -> int:
        return int(min((node.output for node in nodes), default=END))
