"""Where a run took place: without it, its figures say nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("apache-beam", "google-cloud-pubsub", "grpcio", "duckdb", "pyarrow")


@dataclass(frozen=True)
class Machine:
    """One machine at the start of a run."""

    at: str
    """RFC 3339, to the second."""
    cores: int
    processor: str
    python: str
    system: str
    load: float
    """Mean number of processes that wanted a core over the last minute, ours not among them."""
    versions: dict[str, str]

    def lines(self) -> list[str]:
        """To be shown above the figures."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        busy = "; it is busy, so trust the ratios only" if self.load > self.cores / 2 else ""
        return [
            f"{self.at}, {self.system}, {self.cores} cores ({self.processor}), {self.python}",
            versions,
            f"load average {self.load:.1f} at the start{busy}",
        ]


def look() -> Machine:
    """This machine, now."""
    return Machine(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        processor=_processor(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        load=os.getloadavg()[0],
        versions={name: number for name in PACKAGES if (number := _version(name))},
    )


def _cores() -> int:
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or "unknown"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
