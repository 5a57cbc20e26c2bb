"""Our processes as their users run them, on free ports, with the official clients beside them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from localgcp import environment
from localgcp.base import LOOPBACK, claim_port
from localgcp.launch import Launched
from tests.installed import python_path

ROOT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 120.0, 60.0
# The other containers are new for each run; this stack is shared, and keeps what is made in it.
PROJECT = f"test-{uuid4().hex[:12]}" if environment.kind() == "compose" else "test-project"


def free_port() -> int:
    return claim_port("a test", LOOPBACK, 0)


def eventually(true: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """Ask until the answer is true; returns it."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < end, f"not true after {seconds} s: {true}"
        time.sleep(0.02)
    return answer


class Service:
    """A process that serves HTTP on a port; as a context manager it is gone at the end."""

    def __init__(
        self, command: list[str], environ: Mapping[str, str], log: Path, host: str = LOOPBACK
    ) -> None:
        self.host, self.port = host, int(environ["PORT"])
        self.url = f"http://{host}:{self.port}"
        self._log = log
        with log.open("ab") as output:
            self.process = Launched(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": python_path(), "PROJECT_ID": PROJECT, **environ},
                stdout=output,
                stderr=output,
            )
        self.http = httpx.Client(base_url=self.url, timeout=30)
        try:
            eventually(self.listens)
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.kill()

    def listens(self) -> bool:
        assert self.process.exit_code() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def stop(self) -> int:
        """SIGTERM; returns the exit code. It is gone afterwards, whatever happens."""
        self.http.close()  # it waits for connections under way
        assert self.process.end(STOP_SECONDS), self._log.read_text()
        code = self.process.exit_code()
        assert code is not None
        return code

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.http.close()
        self.process.kill()

    def logs(self) -> list[dict[str, Any]]:
        """What it logged; every line must be a JSON object."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]


class Emulator:
    """`python -m localgcp NAME`; with a data folder it can be killed and started again."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self._name, self._data_dir = name, data_dir
        self.port = 0
        self.env: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        self._process = Launched(
            [
                *(sys.executable, "-m", "localgcp", self._name),
                *("--port", str(self.port), "--data-dir", str(self._data_dir)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        ready = json.loads(self._process.stdout.readline())
        self.port, self.env = ready["port"], ready["env"]

    def kill(self) -> None:
        self._process.kill()
        self._process.stdout.close()

    def stop(self) -> None:
        assert self._process.end(STOP_SECONDS)
        self._process.stdout.close()
