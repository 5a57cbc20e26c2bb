"""The streaming programs of apache_beam.examples, as they stand, by `localgcp run`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam
import pytest
from google.cloud import bigquery
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

EXAMPLES = Path(apache_beam.__file__).parent / "examples"
PATIENCE = 240.0
"""Seconds; beside other work Beam takes half a minute to import."""


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return found


@dataclass
class Stage:
    """Where a program runs: its own topics, and a dataset."""

    project: str
    topic: str
    subscription: str
    dataset: str
    environ: dict[str, str]
    folder: Path

    @contextmanager
    def running(self, program: str, *args: str) -> Iterator[Path]:
        """Run it meanwhile, then drain it; gives its log. It must end well."""
        log = self.folder / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "localgcp", "run", str(EXAMPLES / program), *args),
                    *("--project", self.project, "--status_port", "0"),
                ],
                env=self.environ, cwd=self.folder, stdout=out, stderr=out,
            )  # fmt: skip
            try:
                until(lambda: "status at" in log.read_text() or process.poll(), "the job")
                assert process.poll() is None, log.read_text()[-3000:]
                yield log
                process.send_signal(signal.SIGINT)
                assert process.wait(PATIENCE) == 0, log.read_text()[-3000:]
            finally:
                process.kill()

    def publish(self, *messages: str) -> None:
        """Publish them, in order."""
        with PublisherClient() as publisher:
            for message in messages:
                publisher.publish(self.topic, message.encode()).result(20)

    def pulled(self, log: Path, count: int) -> None:
        """Wait until the job has them."""
        url = re.findall(r"status at (\S+)", log.read_text())[0]

        def done() -> bool:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return f'"pulled": {count}' in re.sub(r":\s*", ": ", answer.read().decode())

        until(done, f"{count} messages to be pulled")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        rows = bigquery.Client(self.project).query_and_wait(f"SELECT * FROM {self.dataset}.{table}")
        return [dict(row) for row in rows]


@pytest.fixture
def stage(gcp_stack: Any, bigquery_dataset: str, pubsub_topic: str, tmp_path: Path) -> Stage:
    project, dataset = bigquery_dataset.split(".")
    subscription = pubsub_topic.replace("/topics/", "/subscriptions/")
    with SubscriberClient() as subscriber:
        subscriber.create_subscription(name=subscription, topic=pubsub_topic)
    environ = {**os.environ, **gcp_stack.environ()}
    return Stage(project, pubsub_topic, subscription, dataset, environ, tmp_path)


def drawn(topic: str) -> Callable[[], list[str]]:
    """What is published to a topic from now on."""
    name = topic.replace("/topics/", "/subscriptions/")
    with SubscriberClient() as subscriber:
        subscriber.create_subscription(name=name, topic=topic)

    def draw() -> list[str]:
        with SubscriberClient() as subscriber:
            answer = subscriber.pull(subscription=name, max_messages=1000)
            return sorted(each.message.data.decode() for each in answer.received_messages)

    return draw


@pytest.mark.parametrize("program", ["streaming_wordcount.py", "streaming_wordcount_debugging.py"])
@pytest.mark.parametrize("by", ["subscription", "topic"])
def test_words_are_counted(program: str, by: str, stage: Stage) -> None:
    output = f"projects/{stage.project}/topics/counts-{by}-{len(program)}"
    with PublisherClient() as publisher:
        publisher.create_topic(name=output)
    draw = drawn(output)
    source = stage.subscription if by == "subscription" else stage.topic
    with stage.running(program, f"--input_{by}", source, "--output_topic", output) as log:
        stage.publish("all of", "it")
        stage.pulled(log, 2)
    assert draw() == ["all: 1", "it: 1", "of: 1"]


def scores() -> tuple[list[str], dict[str, int], dict[str, int]]:
    """Ten events of each of four users, one of them a robot; and the sums by user and team."""
    now = int(time.time() * 1000)
    events, users, teams = [], Counter[str](), Counter[str]()
    for number in range(40):
        user, team = f"user{number % 4}", f"team{number % 2}"
        score = 100 if user == "user0" else 1 + number % 3
        events.append(f"{user},{team},{score},{now + number},text")
        users[user] += score
        teams[team] += score
    return events, dict(users), dict(teams)


def test_leader_board(stage: Stage) -> None:
    events, users, teams = scores()
    args = ("--subscription", stage.subscription, "--dataset", stage.dataset)
    with stage.running("complete/game/leader_board.py", *args) as log:
        stage.publish(*events)
        stage.pulled(log, 40)
    assert {row["user"]: row["total_score"] for row in stage.rows("leader_board_users")} == users
    assert {row["team"]: row["total_score"] for row in stage.rows("leader_board_teams")} == teams


def test_game_stats_leaves_the_robot_out(stage: Stage) -> None:
    events, users, teams = scores()
    args = ("--subscription", stage.subscription, "--dataset", stage.dataset)
    with stage.running("complete/game/game_stats.py", *args) as log:
        stage.publish(*events)
        stage.pulled(log, 40)
    teams["team0"] -= users["user0"]
    assert {row["team"]: row["total_score"] for row in stage.rows("game_stats_teams")} == teams
    (session,) = stage.rows("game_stats_sessions")
    assert 300 <= session["mean_duration"] < 301
