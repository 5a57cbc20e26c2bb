"""A running pipeline: its thread, its state, and the result that the caller waits on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import Any

from apache_beam.runners.runner import PipelineResult, PipelineState
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP

from localgcp.beam import status
from localgcp.beam.context import LocalContext
from localgcp.beam.engine import Engine
from localgcp.beam.errors import Cancelled
from localgcp.beam.evaluators import Registry
from localgcp.beam.signals import DrainOnSignal
from localgcp.beam.source import Reader

log = logging.getLogger(__name__)

STUCK_SECONDS = 5.0
"""How long after its time a drain may still be in one call of user code."""

STALLED_SECONDS = 60.0
"""A step that has failed, or not returned, for so long stands still: the health page says so."""


class Job(PipelineResult):
    """The PipelineResult of a LocalRunner."""

    def __init__(
        self,
        engine: Engine,
        context: LocalContext,
        registry: Registry,
        readers: Collection[Reader],
        server: status.StatusServer | None,
    ) -> None:
        """Not started yet; `server` tells its status."""
        super().__init__(PipelineState.STARTING)
        self._engine, self._context, self._registry = engine, context, registry
        self._readers = readers
        self._error: BaseException | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="local runner", daemon=True)
        self._signals = DrainOnSignal(self.drain)
        self._server = server

    @property
    def status_port(self) -> int | None:
        """Where the status is served."""
        return self._server.port if self._server else None

    def start(self) -> None:
        """Run in the background; with a Pub/Sub source, signals drain from now on."""
        if self._readers:
            self._signals.install()
        if self._server is not None:
            self._server.start(self.status)
            log.info("status at http://127.0.0.1:%d/status", self._server.port)
        self._state = PipelineState.RUNNING
        self._thread.start()

    def drain(self) -> None:
        """Stop pulling, close all windows, finish. `wait_until_finish` then returns DONE."""
        self._engine.drain()

    def cancel(self) -> None:
        """Stop at once, with what is held given back to Pub/Sub."""
        self._engine.cancel()
        self._over.wait()

    def wait_until_finish(self, duration: float | None = None) -> str:
        """Wait for the end, at most `duration` milliseconds; raises what ended the job."""
        ends = None if duration is None else time.monotonic() + duration / 1000
        while not self._over.wait(0.2) and (ends is None or time.monotonic() < ends):
            # A DoFn that does not return can't be interrupted, only left behind.
            self._engine.check_drain(grace=STUCK_SECONDS)
        if self._over.is_set():
            self._signals.restore()
        if self._error is not None and not isinstance(self._error, Cancelled):
            raise self._error
        return str(self._state)

    def metrics(self) -> Any:
        """Beam's metric results."""
        return self._context.metrics()

    def status(self) -> dict[str, Any]:
        """What /status shows."""
        watermark = self._context.watermarks.data_watermark()
        return {
            "state": self._shown_state(),
            "stalled": self._stalled(),
            "pulled": sum(reader.pulled for reader in self._readers),
            "acked": sum(reader.acked for reader in self._readers),
            "outstanding": sum(reader.outstanding for reader in self._readers),
            "failed_bundles": self._engine.failures.total,
            "retrying": self._engine.retrying,
            "dropped_late": self._registry.dropped(),
            "watermark": watermark.to_rfc3339()
            if MIN_TIMESTAMP < watermark < MAX_TIMESTAMP
            else None,
            "counters": self._context.counters(),
        }

    def _stalled(self) -> str | None:
        """Why nothing moves, where something has not for STALLED_SECONDS."""
        troubles = [self._engine.trouble(), *(reader.trouble() for reader in self._readers)]
        longest = max(filter(None, troubles), key=lambda each: each.seconds, default=None)
        return str(longest) if longest and longest.seconds >= STALLED_SECONDS else None

    def _shown_state(self) -> str:
        if self._state == PipelineState.RUNNING:
            return status.DRAINING if self._engine.draining else status.RUNNING
        if self._state in (PipelineState.DONE, PipelineState.STARTING):
            return str(self._state)
        return status.FAILED

    def _run(self) -> None:
        state = PipelineState.DONE
        try:
            self._engine.run()
        except Cancelled as error:
            self._error, state = error, PipelineState.CANCELLED
        except BaseException as error:  # noqa: BLE001 - raised again in wait_until_finish
            self._error, state = error, PipelineState.FAILED
        for reader in self._readers:
            reader.close()
        self._state = state
        if self._server is not None:
            self._server.stop()
        self._over.set()
