"""Where a program of somebody else's runs by `localgcp run`: its own topics, and a dataset."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam
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
class Run:
    """A program that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def pulled(self) -> int:
        """How many messages it has taken from Pub/Sub."""
        (url,) = re.findall(r"status at (\S+)", self.log.read_text())
        with urllib.request.urlopen(url, timeout=10) as answer:
            return sum(map(int, re.findall(rb'"pulled":\s*(\d+)', answer.read())))

    def has_pulled(self, count: int) -> None:
        """Wait until it has taken so many."""
        until(lambda: self.pulled() >= count, f"{count} messages to be pulled")

    def kill(self) -> None:
        """SIGKILL: nothing is put in order."""
        self.process.kill()
        self.process.wait()


@dataclass
class Stage:
    """A topic, its subscription and a dataset of one test's own, and the folder it works in."""

    project: str
    topic: str
    subscription: str
    dataset: str
    environ: dict[str, str]
    folder: Path

    @contextmanager
    def running(self, program: str, *args: str) -> Iterator[Run]:
        """Run a program of apache_beam.examples meanwhile, then drain it; it must end well."""
        run = self._started(program, *args, "--status_port", "0")
        log = run.log
        try:
            until(lambda: "status at" in log.read_text() or run.process.poll(), "the job")
            assert run.process.poll() is None, log.read_text()[-3000:]
            yield run
            if run.process.returncode == -signal.SIGKILL:
                return
            run.process.send_signal(signal.SIGINT)
            assert run.process.wait(PATIENCE) == 0, log.read_text()[-3000:]
            assert "failed" not in log.read_text()
        finally:
            run.kill()

    def finished(self, program: str, *args: str) -> None:
        """Run a program that ends by itself; it must end well."""
        run = self._started(program, *args)
        try:
            assert run.process.wait(PATIENCE) == 0, run.log.read_text()[-3000:]
        finally:
            run.kill()

    def publish(self, *messages: str) -> None:
        """Publish them, in order."""
        with PublisherClient() as publisher:
            for message in messages:
                publisher.publish(self.topic, message.encode()).result(20)

    def is_empty(self) -> None:
        """Wait until all that was published to the topic is acked."""
        url = f"http://{self.environ['PUBSUB_EMULATOR_HOST']}/_emulator/subscriptions"

        def left() -> int:
            with urllib.request.urlopen(url, timeout=10) as answer:
                (found,) = [
                    each
                    for each in json.load(answer)["subscriptions"]
                    if each["name"] == self.subscription
                ]
            return int(found["backlog"]) + int(found["outstanding"])

        until(lambda: not left(), f"{self.subscription} to be empty")

    def output_topic(self) -> tuple[str, Callable[[], list[str]]]:
        """A new topic, and what asks for all that was published to it."""
        topic = f"{self.topic}-output"
        name = topic.replace("/topics/", "/subscriptions/")
        with PublisherClient() as publisher, SubscriberClient() as subscriber:
            publisher.create_topic(name=topic)
            subscriber.create_subscription(name=name, topic=topic)

        def drawn() -> list[str]:
            with SubscriberClient() as subscriber:
                answer = subscriber.pull(subscription=name, max_messages=1000)
                return sorted(each.message.data.decode() for each in answer.received_messages)

        return topic, drawn

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        rows = bigquery.Client(self.project).query_and_wait(f"SELECT * FROM {self.dataset}.{table}")
        return [dict(row) for row in rows]

    def _started(self, program: str, *args: str) -> Run:
        log = self.folder / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "localgcp", "run", str(EXAMPLES / program), *args),
                    *("--project", self.project),
                ],
                env=self.environ, cwd=self.folder, stdout=out, stderr=out,
            )  # fmt: skip
        return Run(process, log)
