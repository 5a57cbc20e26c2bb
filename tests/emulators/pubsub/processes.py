"""The emulator as its users run it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


class EmulatorProcess:
    """`python -m emulators pubsub`; started again, it keeps its port."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self.port = 0
        self._data_dir = data_dir
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "emulators", "pubsub", "--port", str(self.port)]
        if self._data_dir is not None:
            command += ["--data-dir", str(self._data_dir)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
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
        self._reap()

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(20)
        self._process.stdout.close()
        return code

    def shell_env(self) -> dict[str, str]:
        """The environment of a shell that was pointed at it."""
        return os.environ | self.env
