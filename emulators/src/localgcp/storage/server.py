"""The fake-gcs-server process: started, watched, ended."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from localgcp.base import StartFailed
from localgcp.storage import binary

START_SECONDS = 10.0
STOP_SECONDS = 5.0


class Server:
    """One fake-gcs-server with the filesystem backend, which keeps its data through a SIGKILL."""

    def __init__(self, host: str, port: int, root: Path) -> None:
        self.url = f"http://{host}:{port}"
        self._command = [
            str(binary.find()),
            *("-scheme", "http", "-host", host, "-port", str(port)),
            # Both, so that the links in its answers (media, resumable sessions) lead back here.
            *("-public-host", f"{host}:{port}", "-external-url", self.url),
            *("-backend", "filesystem", "-filesystem-root", str(root)),
            *("-log-level", "warn"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it answers. Raises StartFailed with what it said."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            code = self._process.poll()
            if code is not None:
                raise StartFailed("storage", f"fake-gcs-server exited with {code}")
            if time.monotonic() > deadline:
                self.stop()
                raise StartFailed("storage", f"{self.url} silent for {START_SECONDS:g} s")
            time.sleep(0.02)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Whether it serves its health page."""
        try:
            with urlopen(f"{self.url}/_internal/healthcheck", timeout=2.0) as reply:
                return bool(reply.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """SIGTERM, then SIGKILL. Safe twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
