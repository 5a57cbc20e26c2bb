"""The local runner by real processes: killed again and again, drained, and made to fail."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from localgcp.pubsub.emulator import PubSubEmulator
from tests.e2e.conftest import PATIENCE, ROOT, until
from tests.installed import python_path

KILLS, A_SECOND = 5, 200
TOPIC = "projects/kill-test/topics/events"
SUBSCRIPTION = "projects/kill-test/subscriptions/events"


@dataclass
class Job:
    """Starts, kills and counts one job over the same subscription and folder."""

    folder: Path
    publisher: PublisherClient
    subscriber: SubscriberClient
    options: list[str] = field(default_factory=list)
    module: str = "local_runner_job"
    process: subprocess.Popen[str] | None = None
    log: Path = Path()

    def start(self) -> None:
        """Return once it pulls."""
        self.spawn()
        until(lambda: "status at" in self.log.read_text(), PATIENCE, "the job to start")

    def spawn(self) -> None:
        """Start the process."""
        self.log = self.folder / f"log-{time.monotonic_ns()}"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", f"tests.e2e.{self.module}"),
                    *(SUBSCRIPTION, str(self.folder)),
                    *("--status_port", "0", "--ack_lease_seconds", "10"),
                    *self.options,
                ],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": python_path()},
                stderr=log,
                text=True,
            )

    def status(self) -> dict[str, Any]:
        found = re.search(r"http://\S+/status", self.log.read_text())
        assert found
        with urllib.request.urlopen(found.group(), timeout=5) as reply:
            status: dict[str, Any] = json.load(reply)
            return status

    def end(self, number: int, timeout: float = PATIENCE) -> int:
        """Send a signal and wait; gives the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def publish(self, ids: Iterable[str]) -> None:
        """Publish each; return once Pub/Sub has them."""
        for event_id in ids:
            last = self.publisher.publish(TOPIC, event_id.encode())
        last.result()

    def ids(self, kind: str) -> Counter[str]:
        """How often each id stands in the rows, or in the files."""
        return Counter(
            i for path in self.folder.glob(f"{kind}-*") for i in path.read_text().split()
        )

    def left(self) -> int:
        """Messages that Pub/Sub still has to deliver."""
        try:
            pulled = self.subscriber.pull(
                subscription=SUBSCRIPTION, max_messages=1000, timeout=1.0, retry=None
            )
        except DeadlineExceeded:
            return 0
        return len(pulled.received_messages)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    emulator = PubSubEmulator()
    emulator.start()
    for name, value in emulator.env().items():
        monkeypatch.setenv(name, value)
    publisher, subscriber = PublisherClient(), SubscriberClient()
    publisher.create_topic(name=TOPIC)
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=10)
    made = Job(tmp_path, publisher, subscriber)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)
    subscriber.close()
    emulator.stop()


def killed_in_mid_flow(job: Job) -> list[str]:
    """Publish without a pause and kill the job again and again; gives the ids, all published."""
    ids: list[str] = []
    enough = threading.Event()

    def flow() -> Iterator[str]:
        """As long as there are kills to come, so that each falls into the flow."""
        while not enough.wait(1 / A_SECOND):
            ids.append(f"e{len(ids)}")
            yield ids[-1]

    publishing = threading.Thread(target=job.publish, args=(flow(),))
    publishing.start()
    for kill in range(1, KILLS + 1):
        job.start()
        # By turns while windows are open, and when some of them have just been written.
        kind, more = ("rows", 500) if kill % 2 else ("file", 1)
        wanted = len(job.ids(kind)) + more
        until(lambda k=kind, n=wanted: len(job.ids(k)) >= n, PATIENCE, f"{wanted} ids in {kind}")  # type: ignore[misc]
        print(f"kill {kill}: {len(job.ids('rows'))} rows, {len(job.ids('file'))} ids in files")
        assert job.end(signal.SIGKILL) == -signal.SIGKILL
    enough.set()
    publishing.join()
    job.start()
    return ids


def test_killed_five_times_in_mid_flow_it_loses_neither_row_nor_line(job: Job) -> None:
    ids = killed_in_mid_flow(job)
    until(
        lambda: set(job.ids("rows")) == set(job.ids("file")) == set(ids),
        PATIENCE,
        "every id, twice",
    )
    assert job.end(signal.SIGTERM) == 0
    for kind in ("rows", "file"):
        found = job.ids(kind)
        assert found.keys() == set(ids)
        print(f"{kind}: {len(ids)} ids, {sum(found.values()) - len(ids)} duplicates")
    assert job.left() == 0


def counted(job: Job) -> dict[str, int]:
    """The largest count of each key in the rows."""
    largest: dict[str, int] = {}
    for row in job.ids("rows"):
        key, _, count = row.partition(":")
        largest[key] = max(largest.get(key, 0), int(count))
    return largest


def test_killed_five_times_its_state_counts_each_message_once(job: Job) -> None:
    """Each row is a key's count so far: a message lost or counted twice shows in the last."""
    job.module = "durable_job"
    ids = killed_in_mid_flow(job)
    expected = {f"key-{key}": count for key, count in Counter(i[-1] for i in ids).items()}
    until(lambda: counted(job) == expected, PATIENCE, "every message to be counted once")
    until(lambda: set(job.ids("file")) == set(ids), PATIENCE, "every id in a batch")
    assert job.end(signal.SIGTERM) == 0
    assert counted(job) == expected
    print(f"{len(ids)} ids counted, {job.ids('file').total() - len(ids)} came twice in a batch")
    assert job.left() == 0


def test_a_drain_closes_open_windows_and_acks_all(job: Job) -> None:
    job.start()
    job.publish([f"e{number}" for number in range(500)])
    until(lambda: len(job.ids("rows")) == 500, PATIENCE, "500 rows")
    assert job.end(signal.SIGINT) == 0
    assert job.ids("file").total() == 500
    assert job.left() == 0


def test_a_bundle_that_fails_is_retried_until_it_works_while_others_pass(job: Job) -> None:
    job.start()
    job.publish(["poison-1"])
    until(lambda: job.status()["failed_bundles"] >= 3, PATIENCE, "three failures")
    job.publish(["e1"])
    until(lambda: job.ids("rows")["e1"] == 1, PATIENCE, "another message to pass")
    assert job.status()["outstanding"] >= 1
    (job.folder / "antidote").touch()
    until(lambda: job.ids("rows")["poison-1"] == 1, PATIENCE, "the antidote to work")
    assert job.end(signal.SIGTERM) == 0
    log = job.log.read_text()
    assert log.count("Traceback") == 1, "a failure is told in full only once"
    assert job.left() == 0


def test_a_drain_that_can_t_finish_fails_and_leaves_the_message(job: Job) -> None:
    job.options = ["--drain_timeout_seconds", "1"]
    job.start()
    job.publish(["poison-1"])
    until(lambda: job.status()["failed_bundles"] >= 1, PATIENCE, "a failure")
    assert job.end(signal.SIGTERM) == 1
    assert "1 messages stay unacked" in job.log.read_text()
    assert job.left() == 1


def test_a_drain_leaves_user_code_behind_that_does_not_return(job: Job) -> None:
    job.options = ["--drain_timeout_seconds", "1"]
    job.start()
    job.publish(["stuck-1"])
    until(lambda: job.status()["pulled"] == 1, PATIENCE, "the pull")
    assert job.end(signal.SIGTERM) == 1
    assert "drain got nothing done in 1 s" in job.log.read_text()


def test_a_second_signal_ends_it_at_once(job: Job) -> None:
    job.start()
    job.publish(["poison-1"])
    until(lambda: job.status()["failed_bundles"] >= 1, PATIENCE, "a failure")
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    until(lambda: job.status()["state"] == "DRAINING", PATIENCE, "the drain to begin")
    assert job.end(signal.SIGTERM, timeout=3) == -signal.SIGTERM


def test_a_subscription_that_is_not_there_ends_the_job_with_its_name(job: Job) -> None:
    job.subscriber.delete_subscription(subscription=SUBSCRIPTION)
    job.start()
    assert job.process is not None
    assert job.process.wait(PATIENCE) == 1
    assert f"subscription '{SUBSCRIPTION}' can't be pulled: NOT_FOUND" in job.log.read_text()


def test_a_busy_status_port_is_named(job: Job) -> None:
    port = os.environ["PUBSUB_EMULATOR_HOST"].rpartition(":")[2]
    job.options = ["--status_port", port]
    job.spawn()
    assert job.process is not None
    assert job.process.wait(PATIENCE) == 1
    assert f"port {port} on 127.0.0.1 is in use" in job.log.read_text()
