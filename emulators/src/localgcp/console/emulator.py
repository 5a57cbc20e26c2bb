"""The console's face: gcloud asks it what runs, and it asks what runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

from localgcp import environment, room
from localgcp.guard import Guard
from localgcp.threaded import ThreadedEmulator, Where


class ConsoleEmulator(ThreadedEmulator):
    """Dataflow, Cloud Functions, Cloud Run and Cloud Logging on `host`:`port`, as gcloud asks them.

    It knows what runs by `PUT /_emulator/facts`, and reads logs from the files in `logs`.
    """

    name = "console"
    health_path = "/health"

    def __init__(self, logs: Path | str | None = None, **where: Unpack[Where]) -> None:
        """`logs` is the folder of the files NAME.log; without it there are no lines of theirs."""
        super().__init__(**where)
        self._logs = None if logs is None else Path(logs)

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """Serve until `stopping`."""
        from localgcp.console import server
        from localgcp.console.disk.kept import Kept
        from localgcp.console.domain.facts import MayAsk
        from localgcp.console.domain.logs import Logs
        from localgcp.console.domain.running import Running
        from localgcp.controls import Controls
        from localgcp.faults import Faults
        from localgcp.http_server import run

        kept, may_ask, running = Kept(data_dir), MayAsk(self.allowed.push), Running()
        running.facts = kept.get(may_ask)
        logs = Logs(self._logs, kept.entries)
        application = server.application(
            running, logs, kept, may_ask, lambda: room.trouble(data_dir)
        )
        controlled = Controls(application, None, Faults())
        allowed = self.allowed
        # gcloud run puts a region before the host; no name server knows such a name.
        for host in (self.host, "127.0.0.1"):
            allowed = allowed.with_host(f"{running.facts.region}-{host}")
        await run(Guard(controlled, allowed), self.host, self.port, listening, stopping)

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many jobs and services there are."""
        return {"running": answer["running"]}

    def variables(self, address: str) -> dict[str, str]:
        """For gcloud."""
        return environment.console(address)
