"""The emulator as its users run it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from localgcp.launch import Launched

ROOT = Path(__file__).parents[3]
STOP_SECONDS = 20.0


class EmulatorProcess:
    """`python -m localgcp pubsub`; started again, it keeps its port."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self.port = 0
        self._data_dir = data_dir
        self._process: Launched | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "localgcp", "pubsub", "--port", str(self.port)]
        if self._data_dir is not None:
            command += ["--data-dir", str(self._data_dir)]
        self._process = Launched(command, cwd=ROOT, stdout=subprocess.PIPE)
        ready = json.loads(self._process.stdout.readline())
        self.port, self.env = ready["port"], ready["env"]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing gets a chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.stdout.close()

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None
        assert self._process.end(STOP_SECONDS)
        self._process.stdout.close()
        code = self._process.exit_code()
        assert code is not None
        return code

    def shell_env(self) -> dict[str, str]:
        """The environment of a shell that was pointed at it."""
        return {**os.environ, **self.env}

    def row(self, subscription: str) -> dict[str, Any]:
        """What it says of one subscription."""
        url = f"http://127.0.0.1:{self.port}/_emulator/subscriptions"
        rows: list[dict[str, Any]] = httpx.get(url, trust_env=False).json()["subscriptions"]
        [row] = [row for row in rows if row["name"] == subscription]
        return row


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Look every 20 ms; a test that waits in vain says so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.02)
