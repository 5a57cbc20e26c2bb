"""The walks of docs/architecture.md: what it names is what a request enters, and as many."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

import localgcp
from localgcp.bigquery.emulator import BigQueryEmulator
from localgcp.pubsub.emulator import PubSubEmulator

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
PACKAGE = str(Path(localgcp.__path__[0]))
TOPIC = "projects/walk-test/topics/events"
SUBSCRIPTION = "projects/walk-test/subscriptions/events"
BY_REST = {"wire/rest.py", "wire/http_rules.py"}

Entered = set[str]


@pytest.fixture
def entered() -> Iterator[Entered]:
    """The files that threads begun from here on call a function of."""
    found: Entered = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        found.add(frame.f_code.co_filename)

    before = threading.getprofile()
    threading.setprofile(note)
    yield found
    threading.setprofile(before)


def steps(title: str) -> list[set[str]]:
    """The modules that each step of a walk names, by their paths in the emulator's folder."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    found = [line for line in text.splitlines() if re.match(r"\d\. ", line)]
    return [set(re.findall(r"`([\w/]+\.py)`", line)) for line in found]


def inside(found: Entered, emulator: str) -> set[str]:
    folder = f"{PACKAGE}/{emulator}/"
    return {file.removeprefix(folder) for file in found if file.startswith(folder)}


def ask(address: str, path: str, body: dict[str, Any]) -> None:
    host, port = address.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()


def test_a_message_comes_past_the_modules_of_its_walk(
    entered: Entered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = PubSubEmulator(data_dir=tmp_path)
    emulator.start()
    for name, value in emulator.env().items():
        monkeypatch.setenv(name, value)
    with PublisherClient() as publisher, SubscriberClient() as subscriber:
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        entered.clear()
        publisher.publish(TOPIC, b"hello").result(60)
        (got,) = subscriber.pull(subscription=SUBSCRIPTION, max_messages=1).received_messages
        subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[got.ack_id])
        publisher.stop()
    met = inside(entered, "pubsub")
    emulator.stop()
    walk = steps("One message through the Pub/Sub emulator")
    assert set().union(*walk) - BY_REST <= met
    assert len(set().union(*walk[:3]) - BY_REST) == 9
    assert len(walk[3]) == 6


def test_an_insert_and_a_query_come_past_the_modules_of_theirs(entered: Entered) -> None:
    emulator = BigQueryEmulator()
    emulator.start()
    at, project = emulator.env()["BIGQUERY_EMULATOR_HOST"], "/bigquery/v2/projects/walk-test"
    ask(at, f"{project}/datasets", {"datasetReference": {"datasetId": "d"}})
    fields = [{"name": "a", "type": "INT64"}]
    table = {"tableReference": {"tableId": "t"}, "schema": {"fields": fields}}
    ask(at, f"{project}/datasets/d/tables", table)
    entered.clear()
    rows = [{"insertId": "1", "json": {"a": 1}}]
    ask(at, f"{project}/datasets/d/tables/t/insertAll", {"rows": rows})
    inserted = inside(entered, "bigquery")
    entered.clear()
    ask(at, f"{project}/queries", {"query": "SELECT a FROM d.t", "useLegacySql": False})
    queried = inside(entered, "bigquery")
    emulator.stop()
    insert = set().union(*steps("One insert through the BigQuery emulator"))
    query = set().union(*steps("One query through the BigQuery emulator"))
    assert insert <= inserted
    assert query <= queried
    assert (len(insert), len(query)) == (11, 12)
