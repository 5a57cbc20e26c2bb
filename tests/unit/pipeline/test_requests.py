"""Asking for a table: how often, and what is said where it can't be done."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.record import Message
from pipeline.requests import ASK_SECONDS, Requests
from tests.unit.pipeline.fakes import Clock

EVENT = Message("e-1", b"{}", {"event_id": "e-1"}, datetime(2024, 1, 15, tzinfo=UTC))


class Topic:
    """A publisher whose topic answers as told."""

    def __init__(self) -> None:
        self.published = 0
        self.error: Exception | None = None

    def publish(self, topic: str, data: bytes, **attributes: str) -> Future[str]:
        self.published += 1
        done: Future[str] = Future()
        if self.error is None:
            done.set_result("1")
        else:
            done.set_exception(self.error)
        return done


def test_a_topic_that_is_away_is_complained_of_once_until_it_answers(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    topic: Any = Topic()
    requests = Requests("projects/p/topics/t", topic, clock)
    for error in (OSError("away"), OSError("away"), None, OSError("away again")):
        topic.error = error
        requests.ask("orders", EVENT)
        requests.ask("orders", EVENT)
        clock.now += ASK_SECONDS
    assert topic.published == 4
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "away",
        "away again",
    ]
