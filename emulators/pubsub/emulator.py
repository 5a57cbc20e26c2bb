"""The face of the Pub/Sub emulator: a gRPC and REST server in a thread of this process."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from emulators.base import (
    LOOPBACK,
    Health,
    LoopThread,
    NotStarted,
    StartFailed,
    claim_port,
    data_directory,
)
from emulators.pubsub.errors import StorageFailed
from emulators.pubsub.journal import JournalDamaged, JournalInUse
from emulators.pubsub.server import serve

_HEALTH_SECONDS = 2.0


class PubSubEmulator:
    """Pub/Sub on host:port; port 0 takes a free one. With a data_dir, state outlives a kill."""

    name = "pubsub"

    def __init__(
        self, host: str = LOOPBACK, port: int = 0, data_dir: Path | str | None = None
    ) -> None:
        self.host, self.port = host, port
        self._data_dir = data_dir
        self._thread: LoopThread | None = None

    def start(self) -> None:
        """Return once it listens. Raises PortBusy, StartFailed."""
        self.port = claim_port(self.name, self.host, self.port)
        data_dir = data_directory(self._data_dir)
        thread = LoopThread(
            self.name,
            lambda listening, stopping: serve(self.host, self.port, data_dir, listening, stopping),
        )
        try:
            thread.start()
        except (JournalInUse, JournalDamaged, StorageFailed, OSError) as error:
            raise StartFailed(self.name, str(error)) from error
        self._thread = thread

    def stop(self) -> None:
        """Stop serving. Safe twice, or before start."""
        if self._thread is not None:
            self._thread.stop()

    def alive(self) -> bool:
        """Whether its thread still serves."""
        return self._thread is not None and self._thread.alive()

    def health(self) -> Health:
        """Ask it for its backlogs over HTTP; never raises."""
        if self._thread is None:
            return Health(False, "not started")
        url = f"http://{self.host}:{self.port}/_emulator/subscriptions"
        try:
            with urllib.request.urlopen(url, timeout=_HEALTH_SECONDS) as response:
                rows = json.load(response)["subscriptions"]
        except (OSError, ValueError) as error:
            return Health(False, f"{url} did not answer: {error}")
        figures: dict[str, int | float | str] = {
            "subscriptions": len(rows),
            "backlog": sum(row["backlog"] for row in rows),
            "outstanding": sum(row["outstanding"] for row in rows),
        }
        return Health(True, f"serving on {self.host}:{self.port}", figures)

    def env(self) -> dict[str, str]:
        """What leads the Google clients and gcloud here. Raises NotStarted."""
        if self._thread is None:
            raise NotStarted(self.name)
        return {
            "PUBSUB_EMULATOR_HOST": f"{self.host}:{self.port}",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"http://{self.host}:{self.port}/",
        }
