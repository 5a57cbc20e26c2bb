"""THE difference between laptop and cloud: what the environment says, read here and nowhere else.

The Google clients read three more variables themselves, which only a laptop sets:
PUBSUB_EMULATOR_HOST, STORAGE_EMULATOR_HOST and BIGQUERY_EMULATOR_HOST. OpenTelemetry's library
reads its own, by its specification: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_BSP_* and OTEL_EXPORTER_OTLP_*; whether it is asked at all is said here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

Number = TypeVar("Number", int, float)


HIGHEST_PORT = 65535
LOG_LEVELS = ("INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")
CONTRACTS = ("evolve", "freeze", "discard")
OTLP = "OTEL_EXPORTER_OTLP"


class InvalidSetting(ValueError):
    """An environment variable is absent or its value can't be used."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"environment variable {name} {why}")


@dataclass(frozen=True)
class Settings:
    """What every deployable knows of where it runs; the names of record derive from it."""

    project_id: str
    environment: str
    region: str
    log_level: str
    port: int
    """Where a service listens; Cloud Run sets PORT."""
    host: str
    """127.0.0.1 on a laptop; an image sets HOST=0.0.0.0."""
    window_seconds: float
    """Length of the pipeline's file windows."""
    max_event_bytes: int
    """A larger event is dead-lettered."""
    table_wait_seconds: float
    """How long the pipeline waits for a table to be created before it dead-letters the rows."""
    publish_log: Path | None
    """Where the publisher records each confirmed event id, for the delivery ledger."""
    allow_hosts: frozenset[str]
    """Names by which a service may be asked, besides this machine's; Terraform sets * for all."""
    allow_origins: frozenset[str]
    """Web pages that may ask a service, each as SCHEME://HOST[:PORT]."""
    schema_contract: str
    """evolve: the table manager adds missing columns. freeze: it changes nothing. discard: what has
    no column is kept in the column `extra`. A dataset's label may say another for an event type."""
    write_api: str | None
    """HOST:PORT of the emulator's Storage Write API; None in the cloud, where clients know it."""
    traces_endpoint: str | None = None
    """URL that takes spans, by OTLP over HTTP; None where nobody wants any."""

    @property
    def topic(self) -> str:
        """Full name of the events topic."""
        return f"projects/{self.project_id}/topics/{self.environment}-backend-events-topic"

    @property
    def subscription(self) -> str:
        """Full name of the pipeline's subscription."""
        return self._subscription("backend-events-subscription")

    @property
    def dead_letter_topic(self) -> str:
        """Full name of the topic that takes what no subscriber could handle."""
        return f"projects/{self.project_id}/topics/{self.environment}-backend-events-dead-letter"

    @property
    def dead_letter_subscription(self) -> str:
        """Full name of the subscription that keeps the dead-letter topic's messages."""
        return self._subscription("backend-events-dead-letter-subscription")

    @property
    def table_manager(self) -> str:
        """Name of the Cloud Function that creates the tables."""
        return f"{self.environment}-bigquery-table-manager"

    @property
    def table_requests_topic(self) -> str:
        """Full name of the topic that triggers the table manager: events whose table is missing."""
        return f"projects/{self.project_id}/topics/{self.environment}-table-requests-topic"

    @property
    def table_requests_subscription(self) -> str:
        """Full name of the push subscription behind that trigger on a laptop.

        In the cloud Eventarc makes and names it.
        """
        return self._subscription("table-requests-subscription")

    @property
    def former_table_manager_subscription(self) -> str:
        """Full name of the one that pushed every event to the table manager, up to 0.2."""
        return self._subscription("bigquery-table-manager")

    @property
    def job(self) -> str:
        """Name of the Dataflow job."""
        return f"{self.environment}-realtime-data-pipeline"

    @property
    def generator(self) -> str:
        """Name of the Cloud Run service."""
        return f"{self.environment}-event-generator"

    @property
    def dataset(self) -> str:
        """Id of the BigQuery dataset; hyphens of the environment become underscores."""
        return f"{self.environment.replace('-', '_')}_events_dataset"

    @property
    def bucket(self) -> str:
        """Name of the bucket of raw events."""
        return f"{self.project_id}-{self.environment}-raw-events"

    @property
    def template_bucket(self) -> str:
        """Name of the bucket of Dataflow templates and staging files."""
        return f"{self.project_id}-{self.environment}-dataflow-templates"

    def _subscription(self, name: str) -> str:
        return f"projects/{self.project_id}/subscriptions/{self.environment}-{name}"


@dataclass(frozen=True)
class Generator:
    """What only the generator needs."""

    token: str | None
    """If set, every request but those for health must bear it."""
    scenarios_file: Path | None
    """Own scenarios, a JSON array, besides those of record."""
    replay_dir: Path | None
    """Recorded files that may be published again."""


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a deployable. Raises InvalidSetting, naming the variable."""
    env = os.environ if environ is None else environ
    project_id = env.get("PROJECT_ID") or env.get("GOOGLE_CLOUD_PROJECT", "")
    if not project_id:
        raise InvalidSetting("PROJECT_ID", 'is not set; on a laptop: eval "$(python -m local env)"')
    return Settings(
        project_id=project_id,
        environment=env.get("ENVIRONMENT") or "dev",
        region=env.get("REGION") or "us-central1",
        log_level=_choice(env, "LOG_LEVEL", LOG_LEVELS, str.upper),
        port=port_of(env, "PORT", 8080),
        host=env.get("HOST") or "127.0.0.1",
        window_seconds=_number(env, "WINDOW_SECONDS", 60.0, float),
        max_event_bytes=_number(env, "MAX_EVENT_BYTES", 1024 * 1024, int),
        table_wait_seconds=_number(env, "TABLE_WAIT_SECONDS", 300.0, float),
        publish_log=_path(env, "PUBLISH_LOG"),
        allow_hosts=_names(env, "ALLOW_HOST"),
        allow_origins=_names(env, "ALLOW_ORIGIN"),
        schema_contract=_choice(env, "SCHEMA_CONTRACT", CONTRACTS),
        write_api=_write_api(env),
        traces_endpoint=_traces_endpoint(env),
    )


def generator(environ: Mapping[str, str] | None = None) -> Generator:
    """Read the settings of the generator."""
    env = os.environ if environ is None else environ
    return Generator(
        token=env.get("GENERATOR_TOKEN") or None,
        scenarios_file=_path(env, "SCENARIOS_FILE"),
        replay_dir=_path(env, "REPLAY_DIR"),
    )


def adopt(environ: Mapping[str, str]) -> None:
    """Make `environ` part of this process's environment, where the Google clients look."""
    os.environ.update(environ)


def child_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process of ours: this one's, with `extra` on top."""
    return {**os.environ, **extra}


def _write_api(env: Mapping[str, str]) -> str | None:
    """Google's clients of gRPC read no variable; the emulator has one port for both."""
    return env.get("BIGQUERY_EMULATOR_HOST", "").rpartition("://")[2].rstrip("/") or None


def _traces_endpoint(env: Mapping[str, str]) -> str | None:
    """As OpenTelemetry's "OTLP Exporter Configuration" has it: the one for traces, else the base.

    A template's launcher is given the base alone.
    """
    base, own = f"{OTLP}_ENDPOINT", f"{OTLP}_TRACES_ENDPOINT"
    name = own if env.get(own) else base
    text = env.get(name, "")
    if not text or env.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    for protocol in (f"{OTLP}_PROTOCOL", f"{OTLP}_TRACES_PROTOCOL"):
        _choice(env, protocol, ("http/protobuf",))
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSetting(name, f"should be a URL, http(s)://HOST[:PORT]; got {text!r}")
    return text if name == own else text.rstrip("/") + "/v1/traces"


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name)
    return Path(text) if text else None


def _names(env: Mapping[str, str], name: str) -> frozenset[str]:
    """Names with commas between, in lower case, without the dot or slash that may end one."""
    given = (each.strip().lower().rstrip("./") for each in env.get(name, "").split(","))
    return frozenset(each for each in given if each)


def _choice(
    env: Mapping[str, str],
    name: str,
    choices: tuple[str, ...],
    spelled: Callable[[str], str] = str,
) -> str:
    """One of a few words, after `spelled` made it alike; the first is the default."""
    text = env.get(name) or choices[0]
    if spelled(text) not in choices:
        raise InvalidSetting(name, f"should be one of {', '.join(choices)}; got {text!r}")
    return spelled(text)


def port_of(env: Mapping[str, str], name: str, default: int) -> int:
    """Read a port. Raises InvalidSetting."""
    port = _number(env, name, default, int)
    if port > HIGHEST_PORT:
        raise InvalidSetting(name, f"should be a port, 0 to {HIGHEST_PORT}; got {env[name]!r}")
    return port


def _number(
    env: Mapping[str, str], name: str, default: Number, kind: Callable[[str], Number]
) -> Number:
    text = env.get(name)
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        raise InvalidSetting(name, f"should be a number; got {text!r}") from None
    if not math.isfinite(value):
        raise InvalidSetting(name, f"should be a finite number; got {text!r}")
    if value < 0:
        raise InvalidSetting(name, f"should be 0 or more; got {text!r}")
    return value
