"""The whole job, from a backlog to tables, files and dead letters; then killed and counted."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from urllib.request import urlopen

from google.cloud import bigquery, storage
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

import settings
from bench.events import Message, messages
from bench.ground import STOP_SECONDS, Child, Ground
from bench.rows import EVENTS, PER_SECOND, Kind, Row
from bench.wire import Wire
from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.ledger import Ledger, reconcile
from local.messages import malformed
from local.stored import read_stored
from services.table_manager.tables import ensure_table

TITLE = "Pipeline: 3 tables, files and dead letters from a backlog, then SIGKILL"
WINDOW_SECONDS = "1"
ACK_DEADLINE_SECONDS = 10
"""As short as Pub/Sub has it: what a killed job held comes again after so long."""
MALFORMED_EVERY = 100
QUIET_SECONDS = 3.0
DRAIN_SECONDS = 120.0
LOOK_SECONDS = 0.1
"""Looking costs the BigQuery emulator time, which the job then has not."""


@dataclass(frozen=True)
class Contender:
    """A runner of the same job."""

    part: str
    kind: Kind
    options: tuple[str, ...]
    drained: tuple[int, int]
    """Events of the backlog, in a full run and in a quick one."""
    killed: tuple[int, int]
    """Events that are on their way while it is killed."""


CONTENDERS = (
    Contender(
        *("LocalRunner", Kind.OURS),
        ("--runner", "LocalRunner", "--ack_lease_seconds", "10"),
        *((30_000, 4_000), (20_000, 4_000)),
    ),
    Contender(
        *("BundleBasedDirectRunner", Kind.STOCK),
        ("--runner", "DirectRunner"),
        *((600, 100), (600, 120)),
    ),
)


def compare(ground: Ground) -> Iterator[Row]:
    """Events a second, then what is lost and doubled, of each runner in a cloud of its own."""
    with contextlib.ExitStack() as stack:
        for name in ("pubsub", "storage", "bigquery"):
            stack.enter_context(ground.emulator(name))
        for contender in CONTENDERS:
            environment = f"bench-{contender.kind}"  # names all resources
            ground.lead({"ENVIRONMENT": environment, "WINDOW_SECONDS": WINDOW_SECONDS})
            yield from Trial(ground, contender).rows()


class Trial:
    """One runner with an empty dataset, bucket and subscription."""

    def __init__(self, ground: Ground, contender: Contender) -> None:
        self._ground, self._contender = ground, contender
        self._names = settings.load(ground.environ)
        self._published: Counter[str] = Counter()
        self._tables = bigquery.Client(project=self._names.project_id)
        self._provision()

    def rows(self) -> Iterator[Row]:
        """Drain a backlog, then kill the job on its way through another."""
        part, kind = self._contender.part, self._contender.kind
        count = self._publish(self._ground.size(*self._contender.drained))
        self._ground.step(f"{part}: {count:,} events from a backlog")
        with self._job() as job:
            rate = self._drain(job)
            yield Row(
                *("backlog drained", part, kind, rate, PER_SECOND),
                f"{count:,} events, 1 in {MALFORMED_EVERY} malformed, rows in tables counted",
            )
            kills, base = self._ground.size(3, 1), self._stored()
            count = self._publish(self._ground.size(*self._contender.killed))
            self._ground.step(f"{part}: SIGKILL, {kills} times, on the way through {count:,}")
            self._reach(job, base + count // (kills + 1))
            job.kill()
        for kill in range(2, kills + 1):
            with self._job() as job:
                self._reach(job, base + count * kill // (kills + 1))
                job.kill()
        with self._job() as job:
            self._quiet(job)
            job.end(STOP_SECONDS)
        yield from self._account(kills)

    def _account(self, kills: int) -> Iterator[Row]:
        part, kind = self._contender.part, self._contender.kind
        ledger: Ledger = reconcile(self._published, read_stored(self._names))
        remark = (
            f"of {ledger.published:,}: {ledger.in_bigquery:,} in tables, {ledger.in_files:,} in "
            f"files, {ledger.dead_lettered:,} dead letters"
        )
        after = f"after {kills} SIGKILL{'s' if kills > 1 else ''}"
        yield Row(f"lost {after}", part, kind, ledger.lost, EVENTS, remark)
        yield Row(f"duplicate rows {after}", part, kind, ledger.duplicated_rows, EVENTS)
        yield Row(f"duplicate lines {after}", part, kind, ledger.duplicated_lines, EVENTS)

    def _provision(self) -> None:
        names = self._names
        PublisherClient().create_topic(name=names.topic)
        with SubscriberClient() as subscriber:
            subscriber.create_subscription(
                name=names.subscription,
                topic=names.topic,
                ack_deadline_seconds=ACK_DEADLINE_SECONDS,
            )
        self._bucket = storage.Client(project=names.project_id).create_bucket(names.bucket)
        self._tables.create_dataset(names.dataset)
        for table in (DEAD_LETTER_TABLE, *(each.layout for each in registry.ALL)):
            ensure_table(self._tables, names.dataset, table)

    def _publish(self, count: int) -> int:
        prefix = f"{self._contender.kind}-{len(self._published)}"
        bad = cycle(each for each in malformed() if len(each) < 1_000)
        mixed = [
            each if number % MALFORMED_EVERY else Message(next(bad), each.attributes)
            for number, each in enumerate(messages(count, prefix))
        ]
        self._published.update(each.attributes["event_id"] for each in mixed)
        with Wire(self._ground.environ["PUBSUB_EMULATOR_HOST"]) as wire:
            return wire.publish(self._names.topic, mixed)

    def _job(self) -> contextlib.AbstractContextManager[Child]:
        command = (sys.executable, "-m", "pipeline.main", *self._contender.options)
        return self._ground.process(f"pipeline-{self._contender.part}", *command)

    def _drain(self, job: Child) -> float:
        """Rows a second from the first look that finds any to the last row."""
        seen: list[tuple[float, int]] = []

        def all_stored() -> bool:
            stored = self._stored()
            if stored:
                seen.append((time.monotonic(), stored))
            return stored >= len(self._published)

        self._wait(all_stored, "every event in a table", job)
        (began, first), (ended, last) = seen[0], seen[-1]
        return (last - first) / (ended - began)

    def _reach(self, job: Child, stored: int) -> None:
        self._wait(lambda: self._stored() >= stored, f"{stored:,} rows", job)

    def _quiet(self, job: Child) -> None:
        """Until nothing is unacked, and no row and no file has come for a while."""
        last: list[object] = [None, 0.0]

        def is_quiet() -> bool:
            now = (self._backlog(), self._stored(), len(list(self._bucket.list_blobs())))
            if now != last[0]:
                last[:] = now, time.monotonic()
            return now[0] == 0 and time.monotonic() - last[1] > QUIET_SECONDS  # type: ignore[operator]

        self._wait(is_quiet, "the job to have done all", job)

    def _wait(self, condition: Callable[[], bool], what: str, job: Child) -> None:
        self._ground.wait(condition, what, job, DRAIN_SECONDS, LOOK_SECONDS)

    def _stored(self) -> int:
        dataset = f"{self._names.project_id}.{self._names.dataset}"
        tables = (DEAD_LETTER_TABLE.name, *(each.table for each in registry.ALL))
        return sum(self._tables.get_table(f"{dataset}.{name}").num_rows or 0 for name in tables)

    def _backlog(self) -> int:
        url = f"http://{self._ground.environ['PUBSUB_EMULATOR_HOST']}/_emulator/subscriptions"
        with urlopen(url, timeout=10.0) as reply:
            found = json.load(reply)["subscriptions"]
        return sum(
            int(each["backlog"]) for each in found if each["name"] == self._names.subscription
        )
