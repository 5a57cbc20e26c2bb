"""The user's metrics, summed over committed bundles."""

from __future__ import annotations

from typing import Any

from localgcp.beam.durable.beam_parts import FnApiMetrics, consolidate


class Metrics:
    """Read from any thread; each bundle replaces a stage's list as a whole."""

    def __init__(self) -> None:
        self._by_stage: dict[str, list[Any]] = {}

    def add(self, stage: str, infos: list[Any]) -> None:
        """A bundle of a stage is committed."""
        if infos:
            self._by_stage[stage] = list(consolidate([*self._by_stage.get(stage, ()), *infos]))

    def results(self) -> Any:
        """Beam's MetricResults."""
        return FnApiMetrics(dict(self._by_stage))

    def counters(self) -> dict[str, int]:
        """Counters by "namespace.name", summed over steps."""
        total: dict[str, int] = {}
        for counter in self.results().query()["counters"]:
            name = f"{counter.key.metric.namespace}.{counter.key.metric.name}"
            total[name] = total.get(name, 0) + counter.committed
        return total
