"""The user's metrics, summed over committed bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.beam.durable.beam_parts import (
    FnApiMetrics,
    HistogramData,
    MetricKey,
    MetricResult,
    consolidate,
)


class Metrics:
    """Read from any thread; each bundle replaces what it adds to as a whole."""

    def __init__(self) -> None:
        self._by_stage: dict[str, list[Any]] = {}
        self._histograms: dict[MetricKey, HistogramData] = {}

    def add(
        self, stage: str, infos: list[Any], histograms: Mapping[MetricKey, HistogramData]
    ) -> None:
        """A bundle of a stage is committed."""
        if infos:
            self._by_stage[stage] = list(consolidate([*self._by_stage.get(stage, ()), *infos]))
        if histograms:
            known = self._histograms
            summed = {key: new.combine(known.get(key)) for key, new in histograms.items()}
            self._histograms = {**known, **summed}

    def results(self) -> Any:
        """Beam's MetricResults."""
        return _Results(dict(self._by_stage), self._histograms)

    def counters(self) -> dict[str, int]:
        """Counters by "namespace.name", summed over steps."""
        total: dict[str, int] = {}
        for counter in self.results().query()["counters"]:
            name = f"{counter.key.metric.namespace}.{counter.key.metric.name}"
            total[name] = total.get(name, 0) + counter.committed
        return total


class _Results(FnApiMetrics):
    """Beam's own, and the histograms, which it has in its direct runner's results alone."""

    def __init__(
        self, by_stage: dict[str, list[Any]], histograms: Mapping[MetricKey, HistogramData]
    ) -> None:
        super().__init__(by_stage)
        self._histograms = histograms

    def query(self, filter: Any = None) -> dict[str, list[Any]]:
        """What matches a MetricsFilter, by kind."""
        return {
            **super().query(filter),
            self.HISTOGRAMS: [
                MetricResult(key, data.get_result(), data.get_result())
                for key, data in self._histograms.items()
                if self.matches(filter, key)
            ],
        }
