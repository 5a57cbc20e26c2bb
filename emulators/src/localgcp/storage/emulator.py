"""The Cloud Storage emulator behind the face that all emulators share."""

from __future__ import annotations

import tempfile
from pathlib import Path

from localgcp import environment
from localgcp.base import LOOPBACK, Health, NotStarted, claim_port, data_directory
from localgcp.storage.server import Server


class StorageEmulator:
    """fake-gcs-server on `host`:`port`; its buckets are folders below `data_dir`."""

    name = "storage"

    def __init__(
        self, host: str = LOOPBACK, port: int = 0, data_dir: Path | str | None = None
    ) -> None:
        self.host, self.port = host, port
        self._data_dir = data_dir
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._server: Server | None = None

    def start(self) -> None:
        """Return once it listens. Raises PortBusy, NoBinary, StartFailed."""
        self.port = claim_port(self.name, self.host, self.port)
        root = data_directory(self._data_dir)
        if root is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="storage-emulator-")
            root = Path(self._temporary.name)
        self._server = Server(self.host, self.port, root)
        self._server.start()

    def stop(self) -> None:
        """End the process; what it stored stays below data_dir."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._server is not None and self._server.alive()

    def health(self) -> Health:
        """Ask its health page."""
        if self._server is None:
            return Health(ok=False, detail="not started")
        ok = self._server.answers()
        return Health(ok=ok, detail="" if ok else f"{self._server.url} does not answer")

    def env(self) -> dict[str, str]:
        """For the client libraries and for gcloud storage. Raises NotStarted."""
        if self._server is None:
            raise NotStarted(self.name)
        return environment.storage(f"{self.host}:{self.port}")
