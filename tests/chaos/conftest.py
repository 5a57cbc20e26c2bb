"""One stack for the tests that put it under load; its own publisher, its own second job."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import bigquery
from google.pubsub_v1 import PublisherClient, PubsubMessage

import settings
from event_types import registry
from local import laptop, run
from local.observe import look
from local.processes import answers
from local.stack import Stack
from localgcp.base import LOOPBACK, claim_port
from localgcp.launch import Launched
from tests.e2e.conftest import PATIENCE, until


class Loaded:
    """A running stack, and what puts it under load."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.names = stack, stack.names
        self.bq = bigquery.Client(project=self.names.project_id)
        self._publisher = PublisherClient()
        self._rng = Random(11)

    def publish(self, messages: Mapping[str, bytes]) -> None:
        """Publish messages by their event ids, in one request; returns once it is confirmed."""
        self._publisher.publish(
            topic=self.names.topic,
            messages=[
                PubsubMessage(data=data, attributes={"event_id": name})
                for name, data in messages.items()
            ],
        )

    def orders(self, count: int, **more: object) -> dict[str, bytes]:
        """Orders by new event ids, with fields more than an order has."""
        made = {}
        for _ in range(count):
            event = registry.by_name("order").fake(self._rng, datetime.now(UTC))
            fields: dict[str, Any] = {**json.loads(event.model_dump_json()), **more}
            made[uuid4().hex] = json.dumps(fields).encode()
        return made

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows; {d} stands for the dataset."""
        found = self.bq.query_and_wait(sql.format(d=self.names.dataset))
        return [dict(each) for each in found]

    def drained(self) -> None:
        """Return once nothing waits in Pub/Sub, seen twice."""
        seen: list[object] = []

        def quiet() -> bool:
            now = look(self.stack)
            seen.append((now.backlog, now.published))
            return now.backlog == 0 and seen[-2:] == [seen[-1]] * 2

        until(quiet, PATIENCE, "the backlog to be gone")

    @contextlib.contextmanager
    def second_pipeline(self, *options: str) -> Iterator[None]:
        """Another job on the same subscription, drained at the end."""
        port = claim_port("second pipeline", LOOPBACK, 0)
        job = Launched(
            [
                *(sys.executable, "-m", "pipeline.main", "--runner", "LocalRunner"),
                *("--status_port", str(port), *options),
            ],
            env=settings.child_environ({**self.stack.environ(), "WINDOW_SECONDS": "1"}),
        )
        try:
            job.wait_ready(lambda: answers(f"http://{LOOPBACK}:{port}/health"), PATIENCE)
            yield
        finally:
            assert job.end(60.0), "the second job did not drain"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """A stack of its own, drained afterwards."""
    folder: Path = tmp_path_factory.mktemp("chaos") / "stack"
    asked = laptop.Asked(folder, ports=dict.fromkeys(laptop.PORTS, 0))
    with run.started(asked, lambda name, line: None, {"WINDOW_SECONDS": "1"}) as (stack, _):
        yield Loaded(stack)
