"""Contracts change while events flow: no good event is lost or dead-lettered, nothing restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local import contracts
from local.wire import ask
from tests.chaos.conftest import Loaded
from tests.e2e.conftest import PATIENCE, until

RATE, MINUTES = 50, 10
WIDE = 40


@pytest.fixture
def load(loaded: Loaded) -> Iterator[None]:
    """Orders from the generator until the test is over."""
    url = loaded.stack.url("generator")
    body = {
        "events_per_minute": RATE * 60,
        "duration_minutes": MINUTES,
        "event_types": ["order"],
    }
    ask("POST", f"{url}/generate/start", body)
    yield
    ask("DELETE", f"{url}/generate/stop")


def test_every_change_holds_for_what_is_published_after_it(loaded: Loaded, load: None) -> None:
    good: dict[str, bytes] = {}
    bad: dict[str, bytes] = {}
    for contract in ("discard", "evolve", "discard", "freeze", "discard"):
        contracts.change(loaded.names, "order", contract)
        wide = loaded.orders(WIDE, wholly={"new": [1, 2.5]})
        loaded.publish(wide)
        (good if contract == "discard" else bad).update(wide)
        # The next contract is another's business: these are in first.
        until(lambda wide=wide: _settled(loaded, wide), PATIENCE, f"events under {contract}")  # type: ignore[misc]
    letters = _ids(loaded, "SELECT event_id FROM {d}.dead_letter_events")
    assert letters == bad.keys()
    kept = loaded.rows("SELECT event_id, extra FROM {d}.orders WHERE extra IS NOT NULL")
    assert {row["event_id"] for row in kept} == good.keys()
    assert all(row["extra"] == {"wholly": {"new": [1, 2.5]}} for row in kept)


def test_an_older_table_gets_its_column_back_under_load(loaded: Loaded, load: None) -> None:
    """A producer and a job that are newer than the table, and events on their way meanwhile."""
    contracts.change(loaded.names, "order", "evolve")
    before = _ids(loaded, "SELECT event_id FROM {d}.dead_letter_events")
    table = f"`{loaded.names.project_id}.{loaded.names.dataset}.orders`"
    loaded.bq.query_and_wait(f"ALTER TABLE {table} DROP COLUMN total_amount")
    newer = loaded.orders(WIDE)
    loaded.publish(newer)
    until(lambda: _settled(loaded, newer), PATIENCE, "the column and its rows")
    amounts = {
        row["event_id"]: row["total_amount"]
        for row in loaded.rows("SELECT event_id, total_amount FROM {d}.orders")
    }
    assert {name: amounts[name] for name in newer} == {
        name: json.loads(data)["total_amount"] for name, data in newer.items()
    }
    assert _ids(loaded, "SELECT event_id FROM {d}.dead_letter_events") == before


def test_nothing_that_the_generator_sent_is_lost_or_refused(loaded: Loaded) -> None:
    loaded.drained()
    recorded = {
        json.loads(line)["event_id"] for line in loaded.stack.publish_log.read_bytes().splitlines()
    }
    stored = _ids(loaded, "SELECT event_id FROM {d}.orders_deduplicated")
    assert len(recorded) > RATE
    assert recorded <= stored


def _settled(loaded: Loaded, events: dict[str, bytes]) -> bool:
    stored = _ids(
        loaded,
        "SELECT event_id FROM {d}.orders UNION ALL SELECT event_id FROM {d}.dead_letter_events",
    )
    return events.keys() <= stored


def _ids(loaded: Loaded, sql: str) -> set[str]:
    return {row["event_id"] for row in loaded.rows(sql)}
