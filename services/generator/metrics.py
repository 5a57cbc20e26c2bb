"""1 · The generator's figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.generator.board import Board
from services.generator.publish import Publisher


class Figures(Collector):
    """Reads the counts when asked, so that publishing pays nothing for them."""

    def __init__(self, publisher: Publisher, board: Board) -> None:
        self._publisher, self._board = publisher, board

    def collect(self) -> Iterator[Metric]:
        """One sample of everything."""
        counts = self._publisher.counts()
        totals = {
            "published": (counts.published, "Messages handed to the Pub/Sub client."),
            "confirmed": (counts.confirmed, "Messages that Pub/Sub has."),
            "failed": (counts.failed, "Messages given up."),
        }
        for name, (value, meaning) in totals.items():
            yield CounterMetricFamily(f"generator_messages_{name}", meaning, value)
        running = [task.status() for task in self._board.all() if task.active]
        levels = {
            "messages_outstanding": (counts.outstanding, "Messages whose fate is not known yet."),
            "tasks_running": (len(running), "Tasks that publish."),
            "behind_events": (
                sum(task.behind_events for task in running),
                "Messages that were due and are not out.",
            ),
            "behind_seconds": (
                max((task.behind_seconds for task in running), default=0.0),
                "For how long the most overdue message has been due.",
            ),
        }
        for name, (level, meaning) in levels.items():
            yield GaugeMetricFamily(f"generator_{name}", meaning, level)


def registry_of(publisher: Publisher, board: Board) -> CollectorRegistry:
    """A registry of its own, so that two apps in one process do not meet."""
    registry = CollectorRegistry()
    registry.register(Figures(publisher, board))
    return registry
