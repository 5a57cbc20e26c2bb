"""The cloud's alerts, evaluated on the laptop: the rules of terraform/monitoring/alerts.json.

Each rule of the file has a figure of the stack that stands for its metric, or says that nothing
here measures it. A rule fires once its figure has been above for as long as it says.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local.attached import Reachable
from local.errors import NoRules
from local.wire import get

RULES = Path(__file__).parent.parent / "terraform" / "monitoring" / "alerts.json"
FIRING, PENDING, QUIET, UNMEASURED = "firing", "pending", "quiet", "not measured"
WINDOW_SECONDS = 300.0
"""Over which a counter's growth is asked for, as the file's queries do."""
ALIGNED_SECONDS = 60.0
"""Over which a count of requests is, as terraform/monitoring.tf aligns it."""
DEAD_LETTERED = "dead_lettered"
Look = Mapping[str, Any]
"""A look of the control room's, see `local.control_room.sampling`."""


@dataclass(frozen=True)
class Alert:
    """One rule at this moment."""

    name: str
    title: str
    severity: str
    state: str
    value: float | None
    above: float
    for_seconds: float
    since_seconds: float
    """How long its figure has been above; 0 where it is not."""
    what_to_do: str


def rules(file: Path = RULES) -> dict[str, dict[str, Any]]:
    """Every rule by its name. Raises NoRules."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise NoRules(file, error) from error
    return found


class Alerts:
    """The rules over what each look brings."""

    def __init__(
        self,
        told: Mapping[str, Mapping[str, Any]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`told` are the rules, those of the file if None; `clock` gives monotonic seconds."""
        self._rules = rules() if told is None else told
        self._clock = clock
        self._since: dict[str, float] = {}
        self._counts: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._last: dict[str, float | None] = {}

    def note(self, look: Look) -> None:
        """Take in a look at the stack."""
        now = self._clock()
        self._last = {name: self._figure(name, look, now) for name in self._rules}
        for name, value in self._last.items():
            if value is not None and value > self._rules[name]["above"]:
                self._since.setdefault(name, now)
            else:
                self._since.pop(name, None)

    def now(self) -> list[Alert]:
        """Every rule, what fires first."""
        found = [self._alert(name, rule) for name, rule in self._rules.items()]
        order = (FIRING, PENDING, QUIET, UNMEASURED)
        return sorted(found, key=lambda each: order.index(each.state))

    def as_json(self) -> list[dict[str, Any]]:
        """As the command and the page tell them."""
        return [asdict(each) for each in self.now()]

    def _alert(self, name: str, rule: Mapping[str, Any]) -> Alert:
        value, since = self._last.get(name), self._since.get(name)
        seconds = 0.0 if since is None else self._clock() - since
        if value is None:
            state = UNMEASURED
        elif since is None:
            state = QUIET
        else:
            state = FIRING if seconds >= rule["for_seconds"] else PENDING
        texts = rule["title"], rule["severity"], state
        limits = rule["above"], rule["for_seconds"], round(seconds, 1)
        return Alert(name, *texts, value, *limits, rule["what_to_do"])

    def _figure(self, name: str, look: Look, now: float) -> float | None:
        if name in _GROWING:
            count, seconds = _GROWING[name]
            return self._grown(name, count(look), now, seconds)
        figure = _FIGURES.get(name)
        return None if figure is None else figure(look)

    def _grown(self, name: str, count: int | None, now: float, seconds: float) -> float | None:
        """By how much a count grew in so many seconds; one that fell began anew."""
        if count is None:
            return None
        counts = self._counts[name]
        counts.append((now, count))
        while now - counts[0][0] > seconds:
            counts.popleft()
        return float(max(0, count - min(each for _, each in counts)))


def failed_jobs(stack: Reachable) -> int | None:
    """How many BigQuery jobs of the last minutes failed; None where BigQuery is silent."""
    since = round((time.time() - WINDOW_SECONDS) * 1000)
    asked = {"minCreationTime": since, "stateFilter": "done", "maxResults": 1000}
    base = f"{stack.url('bigquery')}/bigquery/v2/projects/{stack.names.project_id}/jobs"
    found = get(f"{base}?{urlencode(asked)}")
    if found is None:
        return None
    return sum("errorResult" in each.get("status", {}) for each in found.get("jobs", []))


def _watermark_age(look: Look) -> float | None:
    job = look["job"]
    if job is None or not job.get("watermark"):
        return None
    now = datetime.fromtimestamp(look["at"] / 1000, UTC)
    return max(0.0, (now - datetime.fromisoformat(job["watermark"])).total_seconds())


def _is_failed(look: Look) -> float | None:
    return None if look["job"] is None else float(look["job"]["state"] == "FAILED")


def _queue(name: str, figure: str) -> Callable[[Look], float | None]:
    return lambda look: None if look[name] is None else float(look[name][figure])


def _dead_lettered(look: Look) -> int | None:
    if look["job"] is None:
        return None
    counters = look["job"].get("counters", {})
    return sum(int(n) for whole, n in counters.items() if whole.endswith(DEAD_LETTERED))


def _pushed_again(look: Look) -> int | None:
    return None if look["push"] is None else int(look["push"]["redelivered"])


# What stands for each metric. The lag is the age of the oldest message that waits or is at work; a
# push that was answered with an error comes again. Nothing counts the generator's answers.
_GROWING: dict[str, tuple[Callable[[Look], int | None], float]] = {
    "dead_letters": (_dead_lettered, WINDOW_SECONDS),
    "table_manager_errors": (_pushed_again, ALIGNED_SECONDS),
}
_FIGURES: dict[str, Callable[[Look], float | None]] = {
    "backlog": _queue("main", "backlog"),
    "oldest_unacked": _queue("main", "oldest_seconds"),
    "dead_letter_topic": _queue("given_up", "backlog"),
    "bigquery_failed_jobs": lambda look: look["failed_jobs"],
    "job_failed": _is_failed,
    "system_lag": _queue("main", "oldest_seconds"),
    "watermark_age": _watermark_age,
}
