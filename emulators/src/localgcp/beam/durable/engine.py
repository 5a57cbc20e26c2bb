"""The durable loop: bundles on Beam's worker, and a store that holds one moment of the whole job.

A message is acked when the store has what came of it: the state it changed, the bundles it made
that still wait, the timers it set. A kill goes back to the last flush, and Pub/Sub delivers again
what was not acked by then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from apache_beam.utils.timestamp import Timestamp

from localgcp.beam.bundles import PullBatch
from localgcp.beam.control import Control
from localgcp.beam.durable.metrics import Metrics
from localgcp.beam.durable.nodes import Graph, GroupNode, StageNode, Target
from localgcp.beam.durable.plan import Family
from localgcp.beam.durable.sources import END, Fed, Source, Subscription
from localgcp.beam.durable.splitting import residual_tasks, truncated
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.tasks import Bundles, Task
from localgcp.beam.durable.timers import Setting
from localgcp.beam.durable.turns import Turns
from localgcp.beam.durable.worker import Output
from localgcp.beam.errors import LocalRunnerError, Stalled
from localgcp.beam.failures import beam_says_nothing

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
"""While there is work, the store is flushed so often; and always before a source is asked."""

IDLE_SECONDS = 0.01


class DurableEngine(Control):
    """Runs a graph until every watermark is at its end. All of it in the caller's thread.

    Bounded pipelines run on it too, with a store that keeps nothing on disk.
    """

    def __init__(
        self,
        graph: Graph,
        sources: Collection[Source],
        store: Store,
        clock: Any,
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
        bounded_attempts: int = 1,
    ) -> None:
        """`clock` has Beam's `time()`, by which timers and pauses run."""
        self._subscriptions = {
            name: each
            for each in sources
            if isinstance(each, Subscription)
            for name in each.watermarks
        }
        readers = [each.reader for each in self._subscriptions.values()]
        super().__init__(readers, patience, monotonic, bounded_attempts)
        self._graph, self._sources, self._store, self._beams_clock = graph, sources, store, clock
        self._bundles = Bundles(store)
        self._turns = Turns(self._bundles, clock)
        self._hurried = False
        self._firing: set[GroupNode] = set()
        self._safe_soon: list[PullBatch] = []
        self._finalizing: list[Callable[[], None]] = []
        self._flush_due = 0.0
        self._metrics = Metrics()

    def restore(self) -> None:
        """Take up what the store has. Raises StateOfAnother."""
        saved, seen = self._store.loaded("source"), self._store.loaded("seen")
        for source in self._sources:
            source.restore(saved)
            if isinstance(source, Subscription):
                source.recall(seen)
        timers = list(self._store.loaded("timer").values())
        for stage in self._graph.stages.values():
            stage.timers.restore(timers)
        windows = self._store.loaded("window")
        for grouping in self._graph.groupings():
            grouping.restore(windows)
        for task in self._bundles.restore(self._graph.takers):
            self._turns.schedule(task)
        self._graph.refresh()

    def watermark(self) -> Timestamp:
        """All data before it is through."""
        return Timestamp(micros=self._graph.watermark())

    def counters(self) -> dict[str, int]:
        """User counters by "namespace.name"."""
        return self._metrics.counters()

    def metrics(self) -> Any:
        """Beam's metric results."""
        return self._metrics.results()

    def dropped(self) -> int:
        """Elements dropped because they came too late."""
        return sum(grouping.dropped for grouping in self._graph.groupings())

    def run(self) -> None:
        """Return when all is done. Raises LocalRunnerError, or what a bounded pipeline raised."""
        try:
            with beam_says_nothing():
                while self._step():
                    pass
            self._flush()
            self._store.discard()
        finally:
            for stage in self._graph.stages.values():
                stage.drop_worker()
            self._store.close()

    def _step(self) -> bool:
        """Do the next thing; False when nothing is left to do."""
        self.check_end()
        self._turns.again(self.due_retries())
        if self.draining and not self._hurried:
            self._hurried = True
            self._turns.hurry()
        task = self._turns.next()
        if task is not None:
            self._attempt(task)
            if self._clock() >= self._flush_due:
                self._flush()
            return True
        if self._fire_timers() or self._turns.unblock(self._is_safe_soon):
            return True
        self._flush()
        if any(mark < END for source in self._sources for mark in source.watermarks.values()):
            self._ask_sources()
            return True
        if self._retrying or self._turns.waits or self._waits_for_clock():
            time.sleep(IDLE_SECONDS)
            return True
        self._check_done()
        return False

    def _check_done(self) -> None:
        open_nodes = [n.name for n in self._graph.nodes if n.output < END or n.waiting]
        if open_nodes:
            raise Stalled(open_nodes)

    def _waits_for_clock(self) -> bool:
        stages = any(stage.timers.waits_for_clock() for stage in self._graph.stages.values())
        return stages or any(group.waits_for_clock() for group in self._graph.groupings())

    def _now(self) -> int:
        return int(Timestamp.of(self._beams_clock.time()).micros)

    def _flush(self) -> None:
        """Make all that is committed safe, then ack what waited for it."""
        self._store.flush()
        self._flush_due = self._clock() + FLUSH_SECONDS
        safe, self._safe_soon = self._safe_soon, []
        for batch in safe:
            batch.release()
        finalizing, self._finalizing = self._finalizing, []
        for finalize in finalizing:
            finalize()

    def _ask_sources(self) -> None:
        self.hold_back()
        for source in self._sources:
            if all(mark >= END for mark in source.watermarks.values()):
                continue
            before = dict(source.watermarks)
            for fed in source.ask():
                self._feed(fed, before[fed.transform])
            if source.watermarks != before:
                source.save(self._store)
        self._graph.refresh()

    def _feed(self, fed: Fed, hold: int) -> None:
        if not fed.pieces:
            if fed.batch is not None:
                self._safe_soon.append(fed.batch)
            return
        task = Task(self._graph.takers[fed.transform], fed.transform, fed.pieces, hold)
        task.batch = fed.batch
        # What Pub/Sub still has need not be kept here as well.
        self._turns.enter(task, keep=fed.batch is None)

    def _is_safe_soon(self, task: Task) -> None:
        """With the next flush the store has all that came of a pull."""
        if task.batch is not None:
            self._safe_soon.append(task.batch)
            self._subscriptions[task.transform].remember(self._store, task.batch)

    def _fire_timers(self) -> bool:
        now = self._now()
        fired = False
        for node in self._graph.nodes:
            if isinstance(node, GroupNode):
                fired = self._fire_group(node) or fired
                continue
            at_end = node.at_end and not node.waiting
            due = node.timers.due(node.input, now, at_end)
            if due:
                task = Task(node, "", [], node.output)
                task.timers = due
                self._turns.enter(task, keep=False)
                fired = True
        return fired

    def _fire_group(self, node: GroupNode) -> bool:
        if node in self._firing:
            return False
        keys = node.grouping.due(node.input, node.at_end and not node.waiting)
        if not keys:
            return False
        task = Task(node, "", [], node.output)
        task.keys = keys
        self._firing.add(node)
        self._turns.enter(task, keep=False)
        return True

    def _attempt(self, task: Task) -> None:
        task.attempts += 1
        self._working = (self._clock(), task)
        try:
            if isinstance(task.node, GroupNode):
                self._group(task, task.node)
            else:
                self._process(task, task.node)
        except LocalRunnerError:
            raise
        except Exception as error:
            if isinstance(task.node, GroupNode):
                raise
            task.node.drop_worker()
            task.node.state.begin()
            self.failed(task, task, error)
            return
        finally:
            self._working = None
        self.done(task)
        self._graph.refresh()

    def _group(self, task: Task, node: GroupNode) -> None:
        at_end = node.at_end and node.waiting == 1
        if task.keys:
            panes = node.grouping.fire(task.keys, node.input, at_end)
            self._firing.discard(node)
        else:
            panes = node.grouping.add(task.pieces, node.input, node.output)
        for target in self._graph.grouped(node):
            self._hand_on(target, panes, node.output)
        self._bundles.leave(task)

    def _process(self, task: Task, node: StageNode) -> None:
        if self.draining and node.stage.splittable is not None and not truncated(task):
            self._bundles.leave(task)
            return
        timers = node.timers.current(task.timers)
        node.state.begin()
        data = {task.transform: task.pieces} if task.pieces else {}
        output = node.worker.run(data, _by_family(timers))
        self._commit(task, node, output)

    def _commit(self, task: Task, node: StageNode, output: Output) -> None:
        node.state.commit()
        node.timers.done(task.timers)
        after_end = bool(task.timers) and node.at_end
        for family, pieces in output.timers.items():
            node.timers.update(family, pieces, after_end)
        for transform, pieces in output.data.items():
            for target in self._graph.written(node.stage.outputs[transform]):
                self._hand_on(target, pieces, node.output)
        for left in residual_tasks(task, node, output.residuals, self._beams_clock.time()):
            self._turns.enter(left, keep=True)
        self._metrics.add(node.name, output.metrics, output.histograms)
        if output.needs_finalizing:
            self._finalizing.append(node.worker.finalize)
        self._is_safe_soon(task)
        self._bundles.leave(task)

    def _hand_on(self, target: Target, pieces: list[bytes], hold: int) -> None:
        if not pieces:
            return
        if target.view is not None:
            decoded = (value for piece in pieces for value in target.coder.decode_all(piece))
            target.view.add(decoded)
        if target.node is not None:
            self._turns.enter(Task(target.node, target.transform, list(pieces), hold), keep=True)


def _by_family(timers: Iterable[Setting]) -> dict[Family, list[bytes]]:
    found: dict[Family, list[bytes]] = {}
    for setting in timers:
        found.setdefault(setting.family, []).append(setting.encoded)
    return found
