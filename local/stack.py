"""Where one local stack lives: its folder, its ports, and the environment that leads there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import settings
from local.errors import NoStack, PortTaken
from localgcp import environment
from localgcp.base import LOOPBACK, PortBusy, claim_port

PROJECT_ID = "local-project"
TOKEN = "local"
# Stands for a signed-in user, so that no client looks for one, or for a network: the token is
# accepted by every emulator and never runs out. A service account's file would call out.
CREDENTIALS = {
    "type": "authorized_user",
    "client_id": "local",
    "client_secret": "local",
    "refresh_token": "local",
    "token": TOKEN,
    "expiry": "2099-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Stack:
    """A stack's folder and ports. `save` leaves them where the other commands find them."""

    data_dir: Path
    ports: Mapping[str, int]
    """By process."""
    pid: int = 0
    """The supervisor's process."""
    children: tuple[int, ...] = ()
    """The process groups it started."""

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
        """What every process of the stack and every client of it has in its environment."""
        return {
            **environment.pubsub(self.address("pubsub")),
            **environment.storage(self.address("storage")),
            **environment.bigquery(self.address("bigquery")),
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.data_dir / "credentials.json"),
            "PROJECT_ID": PROJECT_ID,
            "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
            "ENVIRONMENT": "dev",
            "PUBLISH_LOG": str(self.publish_log),
        }

    def client_environ(self) -> dict[str, str]:
        """The same, with what gcloud and bq read."""
        return {
            **self.environ(),
            "CLOUDSDK_CORE_PROJECT": PROJECT_ID,
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(self.data_dir / "token"),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "BIGQUERYRC": str(self.data_dir / "bigqueryrc"),
        }

    def write_client_files(self) -> None:
        """Write the files that `client_environ` names."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        _write(self.data_dir / "credentials.json", json.dumps(CREDENTIALS, indent=2) + "\n")
        _write(self.data_dir / "token", TOKEN)
        _write(
            self.data_dir / "bigqueryrc",
            f"api = {self.url('bigquery')}\nproject_id = {PROJECT_ID}\n"
            f"dataset_id = {self.names.dataset}\n"
            "[query]\n--use_legacy_sql=false\n[mk]\n--use_legacy_sql=false\n",
        )

    def save(self, children: Iterable[int] = ()) -> None:
        """Let the other commands find this stack, run by the calling process."""
        run = replace(self, pid=os.getpid(), children=tuple(children))
        state = {**asdict(run), "data_dir": str(self.data_dir)}
        _write(self.data_dir / "stack.json", json.dumps(state, indent=2) + "\n")

    def forget(self) -> None:
        """The stack has stopped."""
        (self.data_dir / "stack.json").unlink(missing_ok=True)


def claim(asked: settings.Stack) -> Stack:
    """Take the ports asked for; 0 takes a free one. Raises PortTaken, naming port and setting."""
    ports: dict[str, int] = {}
    for process, port in asked.ports.items():
        try:
            taken = claim_port(process, LOOPBACK, port)
            # A free port is free until its process listens, so it may be offered twice.
            while port == 0 and taken in ports.values():
                taken = claim_port(process, LOOPBACK, 0)
        except PortBusy as busy:
            raise PortTaken(settings.port_setting(process), busy.port) from busy
        ports[process] = taken
    return Stack(data_dir=asked.data_dir, ports=ports)


def saved(data_dir: Path) -> Stack:
    """The last stack on `data_dir` that did not stop in order. Raises NoStack."""
    try:
        state = json.loads((data_dir / "stack.json").read_text())
    except FileNotFoundError:
        raise NoStack(data_dir) from None
    paths = {"data_dir": Path(state["data_dir"]), "children": tuple(state["children"])}
    return Stack(**{**state, **paths})


def running(data_dir: Path) -> Stack:
    """The stack that runs on `data_dir`. Raises NoStack where none does."""
    found = saved(data_dir)
    if not is_alive(found.pid):
        raise NoStack(data_dir)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write(path: Path, text: str) -> None:
    # Renamed into place: a command that reads it meanwhile sees the old file or the new one.
    draft = path.with_suffix(path.suffix + ".new")
    draft.write_text(text)
    draft.replace(path)
