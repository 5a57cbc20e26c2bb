"""The ground that a comparison stands on: a folder, processes on free ports, and their end."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import settings
from bench.errors import Ended, Missing, TooSlow
from local.stack import PROJECT_ID
from localgcp import environment
from localgcp.base import LOOPBACK, claim_port
from localgcp.clients import CREDENTIALS
from localgcp.launch import Launched

ROOT = Path(__file__).parent.parent
BEST_OF, START_ATTEMPTS = 3, 3
READY = '"listening"'
START_SECONDS, STOP_SECONDS, POLL_SECONDS = 40.0, 60.0, 0.02


class Child(Launched):
    """One process in a group of its own, its output in a file."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]
    ) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            super().__init__(
                command,
                env=env,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def check(self) -> None:
        """Look whether it still runs. Raises Ended if it has ended."""
        code = self.exit_code()
        if code is not None:
            raise Ended(self.name, code, self.log.read_text(errors="replace"))


@dataclass
class Ground:
    """A temporary folder and the processes that run on it; as a context manager it ends both.

    The variables in `environ` lead the official clients of this process and of its children to
    what runs here.
    """

    quick: bool
    """Fewer events, shorter waits: figures that tell whether it works, not how fast."""
    step: Callable[[str], None]
    """Takes what is being done, for people to read."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="bench-")))
    environ: dict[str, str] = field(default_factory=dict)
    _ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        credentials = self.folder / "credentials.json"
        credentials.write_text(json.dumps(CREDENTIALS))
        self._ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.lead(
            {
                "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
                "PROJECT_ID": PROJECT_ID,
                "GOOGLE_CLOUD_PROJECT": PROJECT_ID,
                "ENVIRONMENT": "bench",
            }
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()

    def size(self, full: int, quick: int) -> int:
        """How many, by the length of the run."""
        return quick if self.quick else full

    def best(self, rate: Callable[[], float]) -> float:
        """The best of a few passes: what disturbs a pass only ever slows it."""
        return max(rate() for _ in range(self.passes))

    @property
    def passes(self) -> int:
        """Of how many passes `best` gives the best."""
        return self.size(BEST_OF, 1)

    def lead(self, environ: Mapping[str, str]) -> None:
        """Lead this process's clients, and every child from now on."""
        self.environ.update(environ)
        settings.adopt(environ)

    @contextlib.contextmanager
    def process(self, name: str, *command: str, **environ: str) -> Iterator[Child]:
        """A process that runs inside of the block, and is killed after it."""
        log = self.folder / f"{name}-{time.monotonic_ns()}.log"
        here = self.environ | environ | {"PYTHONUNBUFFERED": "1"}
        child = Child(name, command, log, settings.child_environ(here))
        try:
            yield child
        finally:
            child.kill()

    def module(
        self, name: str, *args: str, **environ: str
    ) -> contextlib.AbstractContextManager[Child]:
        """`python -m NAME ARGS`."""
        return self.process(name, sys.executable, "-m", name, *args, **environ)

    @contextlib.contextmanager
    def emulator(self, name: str) -> Iterator[None]:
        """One of our emulators, alone in its process, its data on disk as in the local stack."""
        data_dir = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        with contextlib.ExitStack() as processes:
            for attempt in range(START_ATTEMPTS):
                child = processes.enter_context(
                    self.module("localgcp", name, "--data-dir", str(data_dir))
                )
                try:
                    self.wait(lambda c=child: said_ready(c), f"{name} to listen", child)  # type: ignore[misc]
                    break
                except Ended as ended:
                    # A free port may be taken by another between the look and the bind.
                    if "in use" not in str(ended) or attempt == START_ATTEMPTS - 1:
                        raise
            ready = next(n for n in child.log.read_text().splitlines() if READY in n)
            self.lead(json.loads(ready)["env"])
            yield

    @contextlib.contextmanager
    def official_pubsub(self) -> Iterator[None]:
        """Google's own Pub/Sub emulator, as the Cloud SDK installs it. Raises Missing."""
        java, jar = official_pubsub_command()
        port = claim_port("official pubsub", LOOPBACK, 0)
        args = (f"--host={LOOPBACK}", f"--port={port}")
        with self.process("official-pubsub", java, "-jar", str(jar), *args) as child:
            self.wait(lambda: listens(port), "the official emulator to listen", child)
            self.lead(environment.pubsub(f"{LOOPBACK}:{port}"))
            yield

    @contextlib.contextmanager
    def echo(self) -> Iterator[None]:
        """A server that takes for Pub/Sub's requests and keeps nothing."""
        port = claim_port("echo", LOOPBACK, 0)
        with self.module("bench.jobs", "echo", str(port)) as child:
            self.wait(lambda: listens(port), "the echo server to listen", child)
            self.lead(environment.pubsub(f"{LOOPBACK}:{port}"))
            yield

    def wait(
        self,
        condition: Callable[[], bool],
        what: str,
        child: Child | None = None,
        seconds: float = START_SECONDS,
        every: float = POLL_SECONDS,
    ) -> None:
        """Ask again and again until it holds. Raises TooSlow, or Ended if `child` ends."""
        deadline = time.monotonic() + seconds
        while not condition():
            if child is not None:
                child.check()
            if time.monotonic() > deadline:
                raise TooSlow(what, seconds)
            time.sleep(every)


def official_pubsub_command() -> tuple[str, Path]:
    """The java and the jar of `gcloud beta emulators pubsub`. Raises Missing, saying what is."""
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None:
        raise Missing("gcloud is not installed")
    if java is None:
        raise Missing("there is no java")
    component = Path(gcloud).resolve().parent.parent / "platform" / "pubsub-emulator"
    jars = sorted(component.glob("lib/*.jar"))
    if not jars:
        raise Missing("gcloud has no component pubsub-emulator")
    return java, jars[-1]


def said_ready(child: Child) -> bool:
    """Whether an emulator has told its address."""
    return READY in child.log.read_text(errors="replace")


def listens(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
