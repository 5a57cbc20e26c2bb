"""Where one local stack lives: its folder, its ports, and the environment that leads there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import settings
from local import laptop
from local.errors import PortTaken, Unusable
from local.holder import holder
from localgcp import clients, environment, tunnel
from localgcp.base import LOOPBACK, PortBusy, claim_port

FILE = "stack.json"
STARTING, READY = "starting", "ready"
PROJECT_ID = "local-project"


@dataclass(frozen=True)
class Stack:
    """A stack's folder and ports. `save` leaves them where the other commands find them."""

    data_dir: Path
    ports: Mapping[str, int]
    """By process."""
    pid: int = 0
    """The supervisor's process."""
    children: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """What it started, by process: the id of its group, and its command line."""
    state: str = STARTING

    @property
    def names(self) -> settings.Settings:
        """The names of record, as the stack's own processes read them."""
        return settings.load(self.environ())

    @property
    def publish_log(self) -> Path:
        """Where publishers record each confirmed event id."""
        return self.data_dir / "published.jsonl"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.data_dir / "logs"

    def url(self, process: str) -> str:
        """Where the process called `process` listens, as http://HOST:PORT."""
        return f"http://{self.address(process)}"

    def address(self, process: str) -> str:
        """The same as HOST:PORT."""
        return f"{LOOPBACK}:{self.ports[process]}"

    def environ(self) -> dict[str, str]:
        """What every process of the stack has in its environment, and every client of it."""
        return {
            **clients.environ(self.data_dir, self._emulators(), PROJECT_ID),
            "PROJECT_ID": PROJECT_ID,
            "ENVIRONMENT": "dev",
            "PUBLISH_LOG": str(self.publish_log),
        }

    def client_environ(self) -> dict[str, str]:
        """The same, with what gcloud, gsutil and bq read, and where the other parts are."""
        return {
            **self.environ(),
            **clients.tools(self.data_dir, PROJECT_ID),
            **tunnel.led(self.address("bigquery")),
            **environment.console(self.address("console")),
            "GENERATOR_URL": self.url("generator"),
            "TABLE_MANAGER_URL": self.url("table_manager"),
            "PIPELINE_URL": self.url("pipeline"),
            "CONTROL_ROOM_URL": self.url("control_room"),
            "CONSOLE_URL": self.url("console"),
            # For our own commands: these lines came from the stack of this folder.
            "LOCAL_PIPELINE_URL": self.url("pipeline"),
            "LOCAL_DATA_DIR": str(self.data_dir),
        }

    def write_client_files(self) -> None:
        """Write the files that `environ` names. Raises Unusable."""
        try:
            dataset = self.names.dataset
            clients.write_files(self.data_dir, self.address("bigquery"), PROJECT_ID, dataset)
        except OSError as error:
            raise Unusable(self.data_dir, error) from error

    def _emulators(self) -> dict[str, str]:
        return {service: self.address(service) for service in environment.PORTS}

    def save(self, state: str, children: Mapping[str, tuple[int, str]]) -> None:
        """Let the other commands find this stack, run by the calling process. Raises Unusable."""
        now = replace(self, pid=os.getpid(), children=dict(children), state=state)
        _write(self.data_dir / FILE, json.dumps({**asdict(now), "data_dir": str(self.data_dir)}))

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Stack:
        """What `save` wrote. Raises KeyError, TypeError, ValueError if it is no such thing."""
        return cls(
            data_dir=Path(state["data_dir"]),
            ports={process: int(state["ports"][process]) for process in laptop.PORTS},
            pid=int(state["pid"]),
            children={name: (int(pid), str(run)) for name, (pid, run) in state["children"].items()},
            state=str(state["state"]),
        )

    def forget(self) -> None:
        """The stack has stopped."""
        (self.data_dir / FILE).unlink(missing_ok=True)


def claim(asked: laptop.Asked) -> Stack:
    """Take the ports asked for; 0 takes a free one. Raises PortTaken, naming port and setting."""
    ports: dict[str, int] = {}
    for process, port in asked.ports.items():
        try:
            ports[process] = claim_port(process, LOOPBACK, port)
        except PortBusy as busy:
            setting = laptop.port_setting(process)
            raise PortTaken(setting, busy.port, holder(busy.port)) from busy
    return Stack(data_dir=asked.data_dir, ports=ports)


def _write(path: Path, text: str) -> None:
    try:
        clients.write(path, text)
    except OSError as error:
        raise Unusable(path.parent, error) from error
