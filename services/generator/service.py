"""1 · What the routes work with: the publisher, the tasks and the scenarios, from start to end."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Thread

from event_types.population import population
from services.generator.board import Board
from services.generator.clock import SystemClock
from services.generator.fates import TopicUnreachable
from services.generator.metrics import registry_of
from services.generator.publish import Publisher
from services.generator.scenarios import Scenarios

log = logging.getLogger(__name__)

CLOSE_SECONDS = 8.0
"""Cloud Run kills ten seconds after SIGTERM."""


class Service:
    """Everything one generator has."""

    def __init__(
        self,
        environment: str,
        publisher: Publisher,
        own_scenarios: Path | None = None,
        recordings: Path | None = None,
    ) -> None:
        self.environment = environment
        self.publisher = publisher
        self.board = Board(publisher, SystemClock())
        self.scenarios = Scenarios(own_scenarios)
        self.metrics = registry_of(publisher, self.board)
        self.recordings = recordings
        self.unconfirmed = 0

    def warm_up(self) -> None:
        """Do now, in a thread, what the first request would wait for."""
        Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        population()
        try:
            self.publisher.check()
        except TopicUnreachable as error:
            log.warning("not ready yet: %s", error)

    def close(self) -> None:
        """Stop every task and wait until Pub/Sub has confirmed what is out."""
        stopped = self.board.stop_all()
        self.unconfirmed = self.publisher.close(CLOSE_SECONDS)
        counts = self.publisher.counts()
        log.info(
            "stopped %d tasks: published %d, confirmed %d, failed %d, unconfirmed %d",
            *(len(stopped), counts.published, counts.confirmed, counts.failed, self.unconfirmed),
        )
