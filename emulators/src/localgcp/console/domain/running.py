"""Asks what runs how it is, and the job to drain. Blocking: call it in a thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from localgcp.console.domain.facts import Facts, Job, Service
from localgcp.console.errors import NotFound, NotNow, NotSupported, Silent

ANSWER_SECONDS = 5.0
UNKNOWN, DRAINED, CANCELLED = "JOB_STATE_UNKNOWN", "JOB_STATE_DRAINED", "JOB_STATE_CANCELLED"
STATES = {
    "STARTING": "JOB_STATE_PENDING",
    "RUNNING": "JOB_STATE_RUNNING",
    "DRAINING": "JOB_STATE_DRAINING",
    # A job that reads a subscription is done when it was drained, and never else.
    "DONE": DRAINED,
    "FAILED": "JOB_STATE_FAILED",
}
"""What the local runner calls a state -> what Dataflow calls it (REST, "JobState")."""
# Facts lead to this machine; a proxy of the environment would not.
_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Seen:
    """A job at this moment."""

    job: Job
    state: str
    since: str
    """When the state was first seen, RFC 3339."""
    figures: dict[str, Any] = field(default_factory=dict)
    """Its status page; {} where it does not answer."""


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class Running:
    """What the facts name, asked when a client asks."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        """`clock` tells the time."""
        self.facts, self._clock = Facts(), clock
        self._states: dict[str, tuple[str, str]] = {}

    def now(self) -> str:
        """This moment, RFC 3339."""
        return self._clock().isoformat()

    def jobs(self, project: str, region: str) -> list[Seen]:
        """The jobs of a project in a region, "-" for any, as they are now."""
        if project != self.facts.project or region not in ("-", self.facts.region):
            return []
        return [self._look(each) for each in self.facts.jobs]

    def job(self, project: str, region: str, id_: str) -> Seen:
        """One by its id. Raises NotFound."""
        found = [each for each in self.jobs(project, region) if each.job.id == id_]
        if not found:
            raise NotFound("job", f"projects/{project}/locations/{region}/jobs/{id_}")
        return found[0]

    def ask_for(self, project: str, region: str, id_: str, state: str) -> Seen:
        """Bring a job to a state. Raises NotFound, NotNow, NotSupported, Silent."""
        seen = self.job(project, region, id_)
        if state != DRAINED:
            raise NotSupported(f"requestedState {state}; there is {DRAINED}")
        if seen.state not in ("JOB_STATE_RUNNING", "JOB_STATE_DRAINING"):
            raise NotNow(f"job {id_} is in {seen.state}: there is nothing to drain")
        _ask("POST", seen.job.drain)
        return self.job(project, region, id_)

    def services(self, project: str, region: str) -> list[tuple[Service, bool]]:
        """The services of a project in a region, "-" for any, and whether each works."""
        if project != self.facts.project or region not in ("-", self.facts.region):
            return []
        return [(each, works(each)) for each in self.facts.all_services]

    def _look(self, job: Job) -> Seen:
        try:
            figures = _ask("GET", job.status)
            state = STATES.get(str(figures.get("state")), UNKNOWN)
        except Silent:
            figures, state = {}, UNKNOWN
        last, since = self._states.get(job.id, (state, job.started))
        if last != state:
            since = self.now()
        self._states[job.id] = (state, since)
        return Seen(job, state, since, figures)


def works(service: Service) -> bool:
    """Whether it answers below 500."""
    try:
        with _OPENER.open(service.health, timeout=ANSWER_SECONDS):
            return True
    except HTTPError as answer:
        with answer:
            return answer.code < 500
    except (URLError, OSError, HTTPException):
        return False


def _ask(method: str, url: str) -> dict[str, Any]:
    """A JSON object from what runs. Raises Silent."""
    try:
        with _OPENER.open(Request(url, method=method), timeout=ANSWER_SECONDS) as answer:
            found = json.load(answer)
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise Silent(url, getattr(error, "reason", None) or error) from error
    if not isinstance(found, dict):
        raise Silent(url, f"its answer is a {type(found).__name__}")
    return found
