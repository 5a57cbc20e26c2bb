"""What only `python -m local` asks of the environment: a stack's folder and ports, or where one is.

The variables themselves are read by `settings`, as all others are; nothing here is deployed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import settings
from settings import InvalidSetting

PORTS = {
    "pubsub": 8085,
    "storage": 4443,
    "bigquery": 9050,
    "generator": 8080,
    "table_manager": 8081,
    "pipeline": 8082,
    "control_room": 8083,
    "console": 8084,
}
"""Where the processes of a local stack listen by default."""


@dataclass(frozen=True)
class Asked:
    """The stack that is asked for: where its processes listen and keep their data."""

    data_dir: Path
    ports: Mapping[str, int]
    """By process; 0 takes a free one."""


@dataclass(frozen=True)
class Endpoints:
    """Where the parts of a stack that something else runs are reached, each as http://HOST:PORT."""

    pubsub: str
    storage: str
    bigquery: str
    generator: str
    table_manager: str
    pipeline: str
    control_room: str
    """Empty where the stack has none."""
    console: str = ""
    """The same."""


def port_setting(process: str) -> str:
    """The variable that says where a process of the local stack listens."""
    return f"{process.upper()}_PORT"


def asked(environ: Mapping[str, str] | None = None) -> Asked:
    """Read where the local stack lives; port 0 takes a free one.

    Raises InvalidSetting, also for two processes with one port.
    """
    env = settings.child_environ({}) if environ is None else environ
    ports = {name: settings.port_of(env, port_setting(name), port) for name, port in PORTS.items()}
    by_port: dict[int, str] = {}
    for name, port in ports.items():
        if port and port in by_port:
            other = port_setting(by_port[port])
            raise InvalidSetting(port_setting(name), f"is {port}, and so is {other}")
        by_port[port] = name
    return Asked(data_dir=Path(env.get("LOCAL_DATA_DIR") or ".local").absolute(), ports=ports)


def endpoints(environ: Mapping[str, str] | None = None) -> Endpoints | None:
    """Read where a stack is that something else runs; None where PIPELINE_URL names none.

    A PIPELINE_URL that `python -m local env` printed names our own stack: LOCAL_PIPELINE_URL,
    printed with it, is the same. Raises InvalidSetting for a part that is not named.
    """
    env = settings.child_environ({}) if environ is None else environ
    if env.get("PIPELINE_URL", "") in ("", env.get("LOCAL_PIPELINE_URL")):
        return None
    return Endpoints(
        pubsub=f"http://{_given(env, 'PUBSUB_EMULATOR_HOST')}",
        storage=_given(env, "STORAGE_EMULATOR_HOST"),
        bigquery=_given(env, "BIGQUERY_EMULATOR_HOST"),
        generator=_given(env, "GENERATOR_URL"),
        table_manager=_given(env, "TABLE_MANAGER_URL"),
        pipeline=_given(env, "PIPELINE_URL"),
        control_room=env.get("CONTROL_ROOM_URL", ""),
        console=env.get("CONSOLE_URL", ""),
    )


def has_screen(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a browser of this user would have a screen to show a page on."""
    env = settings.child_environ({}) if environ is None else environ
    return sys.platform == "darwin" or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def pager(environ: Mapping[str, str] | None = None) -> str | None:
    """Read the command that a user's long screens go through."""
    env = settings.child_environ({}) if environ is None else environ
    return env.get("PAGER") or None


def _given(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise InvalidSetting(name, "is not set, and PIPELINE_URL is")
    return env[name]
