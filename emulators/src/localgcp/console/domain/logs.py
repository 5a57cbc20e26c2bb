"""Every log entry: what the parts wrote to their logs, and what clients wrote by the API."""

from __future__ import annotations

import base64
import binascii
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from localgcp.console.domain.facts import Facts, Job, Service
from localgcp.console.domain.log_filter import SEVERITIES, compiled
from localgcp.console.domain.log_lines import entries
from localgcp.console.domain.running import utc_now
from localgcp.console.errors import Invalid

MOST_WRITTEN = 10_000
"""Entries by clients that are kept, the newest."""
MOST_PAGE = 1_000
_PAYLOADS = ("textPayload", "jsonPayload")
_WRITABLE = frozenset(
    (
        *("logName", "resource", "severity", "labels", "timestamp", "insertId"),
        *("httpRequest", "trace", "spanId", "traceSampled", "operation", "sourceLocation"),
        *_PAYLOADS,
    )
)


@dataclass(frozen=True)
class Asked:
    """What entries:list asks for."""

    projects: frozenset[str]
    filter: str = ""
    newest_first: bool = False
    size: int = 50
    token: str = ""


class Logs:
    """The entries of one console."""

    def __init__(
        self,
        folder: Path | None,
        kept: Path | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`folder` has a file NAME.log for each log of the facts; `kept` keeps what is written."""
        self._folder, self._kept, self._clock = folder, kept, clock
        self._written: deque[dict[str, Any]] = deque(maxlen=MOST_WRITTEN)
        if kept is not None and kept.exists():
            self._written += (json.loads(line) for line in kept.read_text().splitlines())

    def read(self, facts: Facts, asked: Asked) -> tuple[list[dict[str, Any]], str]:
        """A page of entries, and where the next begins, "" at the end.

        A page goes on after the last entry of the one before, whatever was written meanwhile.
        Raises Invalid, NotSupported.
        """
        takes = compiled(asked.filter)
        found = [each for each in self._all(facts, asked.projects) if takes(each)]
        found.sort(key=_place, reverse=asked.newest_first)
        if asked.token:
            last = _opened(asked.token)
            found = [
                each
                for each in found
                if (_place(each) < last if asked.newest_first else _place(each) > last)
            ]
        page = found[: asked.size]
        return page, _closed(_place(page[-1])) if len(found) > len(page) else ""

    def names(self, facts: Facts, project: str) -> list[str]:
        """The full names of the logs that have entries."""
        return sorted({each["logName"] for each in self._all(facts, frozenset((project,)))})

    def write(self, given: Any, shared: dict[str, Any]) -> None:
        """Keep entries; what one lacks it has from `shared`. All or none. Raises Invalid."""
        if not isinstance(given, list):
            raise Invalid("entries", given, "it should be a list")
        made = [self._made(f"entries[{i}]", each, shared) for i, each in enumerate(given)]
        self._written += made
        if self._kept is not None and made:
            with self._kept.open("a") as file:
                file.writelines(json.dumps(each) + "\n" for each in made)

    def _made(self, where: str, given: Any, shared: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise Invalid(where, given, "it should be an object")
        if unknown := given.keys() - _WRITABLE:
            raise Invalid(f"{where}.{min(unknown)}", given[min(unknown)], "there is no such field")
        now = self._clock().isoformat().replace("+00:00", "Z")
        made = {"insertId": uuid4().hex, "timestamp": now, "severity": "DEFAULT", **shared, **given}
        if labels := {**(shared.get("labels") or {}), **(given.get("labels") or {})}:
            made["labels"] = labels
        if made["severity"] not in SEVERITIES:
            raise Invalid(f"{where}.severity", made["severity"], "there is no such severity")
        if not _project(made.get("logName")):
            rule = "it should be projects/PROJECT/logs/LOG, with the log's name encoded"
            raise Invalid(f"{where}.logName", made.get("logName"), rule)
        if sum(name in made for name in _PAYLOADS) != 1:
            raise Invalid(where, given, f"it should have one of {', '.join(_PAYLOADS)}")
        try:
            datetime.fromisoformat(made["timestamp"])
        except (TypeError, ValueError) as error:
            raise Invalid(f"{where}.timestamp", made["timestamp"], "it should be a time") from error
        return {"resource": {"type": "global"}, **made, "receiveTimestamp": now}

    def _all(self, facts: Facts, projects: frozenset[str]) -> Iterator[dict[str, Any]]:
        yield from (each for each in self._written if _project(each["logName"]) in projects)
        if facts.project not in projects or self._folder is None:
            return
        for job in facts.jobs:
            yield from entries(self._folder / f"{job.log}.log", job.started, _of_job(facts, job))
        for service in facts.services:
            frame = _of_service(facts, service)
            yield from entries(self._folder / f"{service.log}.log", service.started, frame)
        for function in facts.functions:
            frame = _of_service(facts, function.service)
            frame["labels"] = {"goog-managed-by": "cloudfunctions"}
            yield from entries(self._folder / f"{function.log}.log", function.started, frame)


def _of_job(facts: Facts, job: Job) -> dict[str, Any]:
    """As a worker's entry says where it is from."""
    labels = {
        "job_id": job.id,
        "job_name": job.name,
        "project_id": facts.project,
        "region": facts.region,
        "step_id": "",
    }
    name = _log(facts, "dataflow.googleapis.com/worker")
    return {"logName": name, "resource": {"type": "dataflow_step", "labels": labels}}


def _of_service(facts: Facts, service: Service) -> dict[str, Any]:
    labels = {
        "service_name": service.name,
        "revision_name": f"{service.name}-00001-lcl",
        "configuration_name": service.name,
        "location": facts.region,
        "project_id": facts.project,
    }
    name = _log(facts, "run.googleapis.com/stderr")
    return {"logName": name, "resource": {"type": "cloud_run_revision", "labels": labels}}


def _log(facts: Facts, id_: str) -> str:
    return f"projects/{facts.project}/logs/{quote(id_, safe='')}"


def _project(name: Any) -> str:
    match name.split("/") if isinstance(name, str) else []:
        case ["projects", project, "logs", log] if project and log:
            return str(project)
    return ""


def _place(entry: dict[str, Any]) -> tuple[float, str]:
    return datetime.fromisoformat(entry["timestamp"]).timestamp(), str(entry["insertId"])


def _closed(place: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _opened(token: str) -> tuple[float, str]:
    try:
        at, id_ = json.loads(base64.urlsafe_b64decode(token))
        return float(at), str(id_)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("pageToken", token, "it is none of this emulator") from error
