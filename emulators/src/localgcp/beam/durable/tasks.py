"""Bundles that wait for their turn in the durable engine."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass

from localgcp.beam.bundles import PullBatch
from localgcp.beam.control import Attempts
from localgcp.beam.durable.nodes import GroupNode, StageNode
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.timers import Setting
from localgcp.beam.errors import StateOfAnother

KIND = "bundle"
"""Entries of the store that are bundles."""


class Task(Attempts):
    """One bundle, or timers that fell due, for one node."""

    def __init__(
        self, node: StageNode | GroupNode, transform: str, pieces: list[bytes], hold: int
    ) -> None:
        """`hold`: the node's input watermark may not pass it while the bundle waits."""
        super().__init__(node.name)
        self.node, self.transform, self.pieces, self.hold = node, transform, pieces, hold
        self.number = 0
        self.kept = False
        """Whether the store has it."""
        self.not_before = 0.0
        """Seconds of the engine's clock."""
        self.batch: PullBatch | None = None
        """To be released when what comes of it is safe."""
        self.timers: list[Setting] = []
        self.keys: list[bytes] = []
        """Keys of a grouping that have timers due."""

    @property
    def at(self) -> int:
        """How many of its elements and timers have been begun, in the attempt at hand."""
        return self.node.at if isinstance(self.node, StageNode) else 0

    @property
    def counts(self) -> bool:
        """Whether a drain gets on by it: not by a timer that sets itself again and again."""
        return not self.timers or any(not timer.after_end for timer in self.timers)

    @property
    def is_timers(self) -> bool:
        """Whether it fires timers and brings no elements."""
        return bool(self.timers or self.keys)


@dataclass
class Bundles:
    """All bundles that wait, in memory and, where they must outlive a kill, in the store."""

    store: Store
    number: int = 0

    def enter(self, task: Task, keep: bool) -> Task:
        """It waits for its node from now on; `keep` notes it in the store."""
        self.number += 1
        task.number = self.number
        task.node.pending.set(task.number, task.hold)
        task.node.waiting += 1
        if keep:
            task.kept = True
            self.store.put(KIND, _key(task), lambda: _encoded(task))
        return task

    def leave(self, task: Task) -> None:
        """It is consumed."""
        task.node.pending.drop(task.number)
        task.node.waiting -= 1
        if task.kept:
            self.store.remove(KIND, _key(task))

    def restore(self, takers: Mapping[str, StageNode | GroupNode]) -> list[Task]:
        """The bundles that were on disk, in order, for the graph's takers.

        Raises StateOfAnother for one that nobody takes.
        """
        found = []
        for key, value in sorted(self.store.loaded(KIND).items()):
            target, pieces, hold, not_before = pickle.loads(value)
            node = takers.get(target)
            if node is None:
                raise StateOfAnother(str(self.store.path))
            transform = "" if isinstance(node, GroupNode) else target
            task = Task(node, transform, pieces, hold)
            task.not_before = not_before
            self.store.remove(KIND, key)
            found.append(task)
        self.number = 0
        return [self.enter(task, keep=True) for task in found]


def _key(task: Task) -> bytes:
    return task.number.to_bytes(8, "big")


def _encoded(task: Task) -> bytes:
    # Not the stage's name: what is fused into a stage, and in which order, differs from run to run.
    target = task.transform or task.node.name
    return pickle.dumps((target, task.pieces, task.hold, task.not_before))
