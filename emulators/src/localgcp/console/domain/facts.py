"""What the console shows: a job, functions and services, as whoever runs them tells it.

Every address has to lead to this machine, or to a name that may be pushed to: else whoever may
tell facts could have the emulator ask for anything in the network that it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from localgcp.console.errors import Invalid
from localgcp.guard import is_loopback

Made = TypeVar("Made")
REGION = "us-central1"


@dataclass(frozen=True)
class Job:
    """A Dataflow job."""

    id: str
    name: str
    started: str
    """RFC 3339."""
    status: str
    """Where GET tells its state, as `localgcp.beam.status` serves it."""
    drain: str
    """Where POST drains it."""
    log: str
    """The name of its log: the file NAME.log of the folder that the emulator was given."""


@dataclass(frozen=True)
class Service:
    """A Cloud Run service."""

    name: str
    url: str
    started: str
    health: str
    """Answers below 500 while it works."""
    log: str


@dataclass(frozen=True)
class Function:
    """A Cloud Function of the second generation, with the service that runs it."""

    name: str
    url: str
    started: str
    health: str
    log: str
    runtime: str
    entry_point: str
    topic: str = ""
    """Full name of the Pub/Sub topic whose messages trigger it; "" for one asked by HTTP."""

    @property
    def service(self) -> Service:
        """The Cloud Run service of its name."""
        return Service(self.name, self.url, self.started, self.health, self.log)


@dataclass(frozen=True)
class Facts:
    """All that runs in one project and region."""

    project: str = ""
    region: str = REGION
    jobs: tuple[Job, ...] = ()
    functions: tuple[Function, ...] = ()
    services: tuple[Service, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As `Facts.of` reads it."""
        return asdict(self)

    @property
    def all_services(self) -> tuple[Service, ...]:
        """The services, and those of the functions."""
        return (*self.services, *(each.service for each in self.functions))

    @classmethod
    def of(cls, told: Mapping[str, Any], may_ask: MayAsk) -> Facts:
        """Read what was told. Raises Invalid, naming field and value."""
        unknown = told.keys() - {"project", "region", "jobs", "functions", "services"}
        if unknown:
            raise Invalid(min(unknown), told[min(unknown)], "there is no such field")
        return cls(
            _text("project", told.get("project")),
            _text("region", told.get("region", REGION)),
            _each("jobs", told, Job, may_ask),
            _each("functions", told, Function, may_ask),
            _each("services", told, Service, may_ask),
        )


@dataclass(frozen=True)
class MayAsk:
    """Which addresses the emulator asks: this machine's, and those of names that a setting has."""

    names: frozenset[str] = field(default_factory=frozenset)

    def check(self, where: str, url: str) -> None:
        """Refuse an address that leads elsewhere. Raises Invalid."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError as error:
            raise Invalid(where, url, str(error)) from error
        if parts.scheme != "http" or not host:
            raise Invalid(where, url, "it should be an http:// address")
        if not is_loopback(host) and self.names.isdisjoint((host, "*")):
            rule = f"it is not on this machine; to allow it, start with --allow-push {host}"
            raise Invalid(where, url, rule)


def _each(
    kind: str, told: Mapping[str, Any], make: Callable[..., Made], may_ask: MayAsk
) -> tuple[Made, ...]:
    given = told.get(kind, [])
    if not isinstance(given, list):
        raise Invalid(kind, given, "it should be a list")
    return tuple(_one(f"{kind}[{i}]", each, make, may_ask) for i, each in enumerate(given))


def _one(where: str, told: Any, make: Callable[..., Made], may_ask: MayAsk) -> Made:
    if not isinstance(told, dict):
        raise Invalid(where, told, "it should be an object")
    values = {name: _text(f"{where}.{name}", each) for name, each in told.items()}
    for name in ("status", "drain", "health", "url"):
        if name in values:
            may_ask.check(f"{where}.{name}", values[name])
    if not values.get("log", "").replace("-", "").replace("_", "").isalnum():
        raise Invalid(f"{where}.log", values.get("log"), "it should be the plain name of a log")
    _moment(f"{where}.started", values.get("started"))
    try:
        return make(**values)
    except TypeError as error:
        raise Invalid(where, told, str(error).partition(") ")[2]) from error


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(where, value, "it should be a text")
    return value


def _moment(where: str, text: str | None) -> None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise Invalid(where, text, "it should be a time by RFC 3339") from error
    if found.tzinfo is None:
        raise Invalid(where, text, "it should name its zone")
