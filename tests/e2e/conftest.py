"""A whole stack for the tests: started as a user starts it, on free ports, in its own folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from local import laptop
from local.observe import Sight, look
from local.stack import Stack
from localgcp import environment
from localgcp.base import LOOPBACK, claim_port
from localgcp.launch import Launched
from tests.docker.compose import ComposeStack, why_no_engine
from tests.installed import python_path

ROOT = Path(__file__).parent.parent.parent
FILES = {
    "compose": ("compose.yaml",),
    "upstream": ("compose.yaml", "compose.upstream.yaml"),
}
# Nobody waits so long on an idle machine; beside other work a start alone can take a minute.
PATIENCE = 150.0
STOP_SECONDS = 90.0
# Modules whose tests all ask one stack, and modules whose tests each bring their own.
# By name: test_readme is last, which starts events that go on for a minute.
SHARED = ("test_check", "test_commands", "test_docs_page", "test_hostile_page", "test_readme")
APART = ("test_kill", "test_life", "test_local_runner_kill")
LONG = (
    "test_kill",
    "test_demo_by_hand",
    "test_local_runner_kill",
    "test_life",
    "test_watch",
    *SHARED,
)


class Scheduling(LoadScopeScheduling):
    """Hands out what belongs together: the modules of the shared stack, a module, or a test."""

    def _split_scope(self, nodeid: str) -> str:
        module = Path(nodeid.partition("::")[0]).stem
        if module in SHARED:
            return "shared"
        return nodeid if module in APART else module


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """For --dist loadscope: xdist's own loadgroup is deaf with pytest 9.2 (pytest-xdist#1386)."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest, so that it is not what all wait for in the end."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    ours.sort(key=lambda item: item.path.stem not in LONG)
    items[:] = [*ours, *(item for item in items if not item.path.is_relative_to(here))]


def free_ports() -> dict[str, str]:
    """A free port for each process: several stacks start at once."""
    return {laptop.port_setting(name): str(claim_port(name, LOOPBACK, 0)) for name in laptop.PORTS}


@dataclass
class LocalStack:
    """Drives `python -m local` on one data folder."""

    data_dir: Path
    root: Path = ROOT
    settings: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    process: Launched | None = None
    ports: dict[str, str] = field(default_factory=free_ports)

    def environ(self) -> dict[str, str]:
        """What the commands see: free ports, short windows, this folder."""
        return {
            **os.environ,
            **self.ports,
            "PYTHONPATH": python_path(),
            "LOCAL_DATA_DIR": str(self.data_dir),
            "WINDOW_SECONDS": "1",
            **self.settings,
        }

    def run(
        self, *args: str, stdin: str = "", timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        return subprocess.run(
            [*self.prefix, sys.executable, "-m", "local", *args],
            cwd=self.root,
            env=self.environ(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *args: str, stdin: str = "", code: int = 0) -> Any:
        """One command's --json."""
        done = self.run(*args, "--json", stdin=stdin)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def up(self, *args: str) -> None:
        """Start, and return once it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "up.log").open("a") as log:
            self.process = Launched(
                [sys.executable, "-m", "local", "up", *args],
                cwd=self.root,
                env=self.environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._ready, PATIENCE, "the stack to be ready")

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.exit_code() is None, (self.data_dir / "up.log").read_text()
        with contextlib.suppress(FileNotFoundError):
            state = self.state()
            return bool(state["pid"] == self.process.pid and state["state"] == "ready")
        return False

    def published(self) -> int:
        """How many events the publishers have recorded."""
        log = self.data_dir / "published.jsonl"
        return len(log.read_bytes().splitlines()) if log.exists() else 0

    def stop(self) -> int:
        """Ctrl-C: drain and end; gives the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(STOP_SECONDS)
        assert code is not None, f"it still runs after {STOP_SECONDS:g} s"
        return code

    def port(self, name: str) -> int:
        """Where one of the stack's processes listens."""
        return int(self.state()["ports"][name])

    def state(self) -> dict[str, Any]:
        """What the stack says of itself."""
        state: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text())
        return state

    def child(self, name: str) -> int:
        """Process id of one of the stack's processes."""
        return int(self.state()["children"][name][0])

    def files(self) -> int:
        """How many objects are stored: looked for on the disk, so that nothing need run."""
        bucket = self.data_dir / "storage" / "local-project-dev-raw-events"
        return sum(path.is_file() for path in bucket.rglob("*.json"))

    def look(self) -> Sight:
        """Where the events are: asked here, for a command takes longer to start than to ask."""
        return look(Stack.from_json(self.state()))

    def stored(self, published: int) -> None:
        """Return once `published` messages have their rows."""
        until(lambda: self.look().stored >= published, PATIENCE, f"{published} rows")

    def drained(self, published: int = 0) -> None:
        """Return once `published` messages are stored, and all are acked."""

        def done() -> bool:
            now = self.look()
            return now.stored >= published and now.backlog == 0

        until(done, PATIENCE, f"{published} messages to be stored")


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again until it holds; fails naming what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.1)


@pytest.fixture
def local_stack(tmp_path: Path) -> Iterator[LocalStack]:
    """Not started yet; stopped after the test."""
    if environment.kind() != "embedded":
        pytest.skip(f"EMULATORS={environment.kind()}: this one drives processes of its own")
    made = LocalStack(tmp_path / "data")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack | ComposeStack]:
    """A running stack that the tests of one module share: of processes, or of containers."""
    yield from _running(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="session")
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack | ComposeStack]:
    """One for the modules whose tests mind nobody else's events."""
    users = {each.path.stem for each in request.session.items if uses_shared(each)}
    assert users <= set(SHARED), "each other one would start a second"
    yield from _running(tmp_path_factory.mktemp("shared"))


def uses_shared(item: pytest.Item) -> bool:
    """Whether a test asks for the stack that modules share."""
    return "shared" in getattr(item, "fixturenames", ())


def _running(folder: Path) -> Iterator[LocalStack | ComposeStack]:
    where = environment.kind()
    if where == "testcontainers":
        pytest.skip("EMULATORS=testcontainers runs emulators alone; compose runs the whole stack")
    if where != "embedded" and (why := why_no_engine()) is not None:
        pytest.skip(why)
    made = LocalStack(folder) if where == "embedded" else ComposeStack(folder, FILES[where])
    try:
        made.up()
        yield made
    finally:
        made.stop()
