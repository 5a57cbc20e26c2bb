"""A running pipeline: its thread, its state, and the result that the caller waits on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import Any, Protocol

from apache_beam.runners.runner import PipelineResult, PipelineState
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp

from localgcp.beam import status
from localgcp.beam.errors import Cancelled
from localgcp.beam.failures import FailureLog, Trouble
from localgcp.beam.signals import DrainOnSignal
from localgcp.beam.source import Reader

log = logging.getLogger(__name__)

STUCK_SECONDS = 5.0
"""How long after its patience a drain may still be in one call of user code."""

STALLED_SECONDS = 60.0
"""A step that has failed, or not returned, for so long stands still: the health page says so."""


class Work(Protocol):
    """An engine as its job sees it; all but `run` may be called from any thread."""

    @property
    def failures(self) -> FailureLog:
        """What failed so far."""

    @property
    def draining(self) -> bool:
        """Whether `drain` was called."""

    @property
    def retrying(self) -> int:
        """Bundles that failed and wait for another attempt."""

    def run(self) -> None:
        """Return when all is done. Raises LocalRunnerError, or what a bounded pipeline raised."""

    def drain(self) -> None:
        """Stop reading, let windows fire, finish."""

    def cancel(self) -> None:
        """Stop after the bundle at hand."""

    def trouble(self) -> Trouble | None:
        """The step that has failed, or been in one call, for the longest."""

    def check_drain(self, grace: float = 0.0) -> None:
        """Raise DrainTimedOut if a drain got nothing done in its patience and `grace` seconds."""

    def watermark(self) -> Timestamp:
        """All data before it is through."""

    def counters(self) -> dict[str, int]:
        """User counters by "namespace.name"."""

    def metrics(self) -> Any:
        """Beam's metric results."""

    def dropped(self) -> int:
        """Elements dropped because they came too late."""


bounded: set[Job] = set()
"""Jobs of this process that read no subscription and are not over."""


class Job(PipelineResult):
    """The PipelineResult of a LocalRunner."""

    def __init__(
        self,
        engine: Work,
        readers: Collection[Reader],
        server: status.StatusServer | None,
        streams: bool = False,
    ) -> None:
        """Not started yet; `server` tells its status. `streams`: it may never end by itself."""
        super().__init__(PipelineState.STARTING)
        self._engine, self._readers, self._streams = engine, readers, streams
        self._error: BaseException | None = None
        self._over, self._told = threading.Event(), threading.Event()
        self._stays = False
        self._thread = threading.Thread(target=self._run, name="local runner", daemon=True)
        self._signals = DrainOnSignal(self.drain)
        self._server = server

    @property
    def status_port(self) -> int | None:
        """Where the status is served."""
        return self._server.port if self._server else None

    def start(self) -> None:
        """Run in the background; signals drain from now on what may never end by itself."""
        if self._readers or self._streams:
            self._signals.install()
        if not self._readers:
            bounded.add(self)
        if self._server is not None:
            self._server.start(self.status, self.drain_and_stay)
            log.info("status at http://127.0.0.1:%d/status", self._server.port)
        self._state = PipelineState.RUNNING
        self._thread.start()

    def drain(self) -> None:
        """Stop pulling, close all windows, finish. `wait_until_finish` then returns DONE."""
        self._told.set()
        self._engine.drain()

    def drain_and_stay(self) -> None:
        """The same, but the status goes on telling so, as Dataflow lists a drained job.

        `wait_until_finish` returns once a signal, or `drain`, comes besides.
        """
        log.warning("asked to drain; the status stays until a signal comes")
        self._stays = True
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
        while self._listed and (ends is None or time.monotonic() < ends):
            self._told.wait(0.2)
        if self._over.is_set() and not self._listed:
            if self._server is not None and self._stays:
                self._server.stop()
            self._signals.restore()
        if self._error is not None and not isinstance(self._error, Cancelled):
            raise self._error
        return str(self._state)

    def metrics(self) -> Any:
        """Beam's metric results."""
        return self._engine.metrics()

    def status(self) -> dict[str, Any]:
        """What /status shows."""
        watermark = self._engine.watermark()
        return {
            "state": self._shown_state(),
            "stalled": self._stalled(),
            "pulled": sum(reader.pulled for reader in self._readers),
            "acked": sum(reader.acked for reader in self._readers),
            "outstanding": sum(reader.outstanding for reader in self._readers),
            "failed_bundles": self._engine.failures.total,
            "retrying": self._engine.retrying,
            "dropped_late": self._engine.dropped(),
            "watermark": watermark.to_rfc3339()
            if MIN_TIMESTAMP < watermark < MAX_TIMESTAMP
            else None,
            "counters": self._engine.counters(),
        }

    def _stalled(self) -> str | None:
        """Why nothing moves, where something has not for STALLED_SECONDS."""
        troubles = [self._engine.trouble(), *(reader.trouble() for reader in self._readers)]
        longest = max(filter(None, troubles), key=lambda each: each.seconds, default=None)
        return str(longest) if longest and longest.seconds >= STALLED_SECONDS else None

    @property
    def _listed(self) -> bool:
        """Whether it is drained, and nobody has told it yet that this need not be shown."""
        over = self._over.is_set() and self._error is None
        return over and self._stays and not self._told.is_set()

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
            reader.close(over=state != PipelineState.FAILED)
        self._state = state
        if self._server is not None and (self._error is not None or not self._stays):
            self._server.stop()
        bounded.discard(self)
        self._over.set()
