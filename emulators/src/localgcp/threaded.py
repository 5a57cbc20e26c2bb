"""What the emulators share whose server is an asyncio program in a thread of this process."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, TypedDict
from urllib.error import HTTPError

from localgcp.base import (
    LOOPBACK,
    Health,
    NotStarted,
    StartFailed,
    claim_port,
    data_directory,
    reachable,
)
from localgcp.guard import NOBODY_ELSE, Allowed

HEALTH_SECONDS = 2.0

Serve = Callable[[Callable[[], None], asyncio.Event], Awaitable[None]]


class LoopThread:
    """Runs an asyncio server in a thread of its own: `start()` and `stop()` are plain calls.

    `serve(listening, stopping)` calls `listening()` once it accepts connections and returns soon
    after the event `stopping` is set. What it raises before that is raised again by `start()`.
    """

    def __init__(self, name: str, serve: Serve) -> None:
        self._name, self._serve = name, serve
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, timeout: float = 30.0) -> None:
        """Return once it listens. Raises StartFailed, or what `serve` raised."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        if not self._ready.wait(timeout):
            raise StartFailed(self._name, f"nothing listened after {timeout:g} s")
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self, timeout: float = 30.0) -> None:
        """Ask it to end and wait for that. Safe twice."""
        if self._loop is None or self._thread is None or self._stopping is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout)

    def alive(self) -> bool:
        """Whether the thread still serves."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that called start()
            self._error = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(self._ready.set, self._stopping)


class Where(TypedDict, total=False):
    """What every emulator takes; see `ThreadedEmulator`."""

    host: str
    port: int
    data_dir: Path | str | None
    allowed: Allowed


class ThreadedEmulator(ABC):
    """The face, less what is particular: how it serves, how it feels, how clients find it."""

    name: ClassVar[str]
    health_path: ClassVar[str]
    """Answers 200 with a JSON object that `figures` understands, or 503 with what is wrong."""

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 0,
        data_dir: Path | str | None = None,
        allowed: Allowed = NOBODY_ELSE,
    ) -> None:
        """Port 0 takes a free one; without a data_dir nothing outlives `stop()`.

        `allowed` names whom its guard lets in besides this machine.
        """
        self.host, self.port = host, port
        self.allowed = allowed.with_host(reachable(host))
        self._data_dir = data_dir
        self._thread: LoopThread | None = None

    @abstractmethod
    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """Serve on `host`:`port` until `stopping`; as LoopThread wants it. Raises StartFailed."""

    @abstractmethod
    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """What of the health page is worth showing."""

    @abstractmethod
    def variables(self, address: str) -> dict[str, str]:
        """What leads clients to `address`, HOST:PORT."""

    def start(self) -> None:
        """Return once it listens. Raises PortBusy, StartFailed."""
        self.port = claim_port(self.name, self.host, self.port)
        data_dir = data_directory(self._data_dir)
        thread = LoopThread(
            self.name, lambda listening, stopping: self.serve(data_dir, listening, stopping)
        )
        thread.start()
        self._thread = thread

    def stop(self) -> None:
        """Stop serving, with all state on disk. Safe twice, or before start."""
        if self._thread is not None:
            self._thread.stop()

    def alive(self) -> bool:
        """Whether its thread still serves."""
        return self._thread is not None and self._thread.alive()

    def health(self) -> Health:
        """Ask its health page; never raises."""
        if self._thread is None:
            return Health(False, "not started")
        url = f"http://{reachable(self.host)}:{self.port}{self.health_path}"
        try:
            with urllib.request.urlopen(url, timeout=HEALTH_SECONDS) as response:
                answer = json.load(response)
        except HTTPError as refusal:
            with refusal:
                return Health(False, refusal.read().decode(errors="replace"))
        except (OSError, ValueError) as error:
            return Health(False, f"{url} did not answer: {error}")
        return Health(True, f"serving on {self.host}:{self.port}", self.figures(answer))

    def env(self) -> dict[str, str]:
        """What leads the official clients here. Raises NotStarted."""
        if self._thread is None:
            raise NotStarted(self.name)
        return self.variables(f"{reachable(self.host)}:{self.port}")
