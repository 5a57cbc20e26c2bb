"""The subscription that a job makes of a topic it reads, found again by the next start.

Dataflow makes one when a job starts and keeps it for the job's life. Here a job's life goes over
kills and failures: a file in the state folder names the subscription until the job is drained or
cancelled, and a lock on the file says that a process has it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud.pubsub_v1 import SubscriberClient

from localgcp.beam.errors import StoreUnusable, SubscriptionUnusable
from localgcp.beam.subscriber import UNARY_SECONDS

log = logging.getLogger(__name__)


class Record:
    """The file that names a job's subscription, locked by this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    @property
    def name(self) -> str:
        """The subscription's full name; "" before there is one."""
        return os.pread(self._descriptor, 4096, 0).decode()

    def write(self, name: str) -> None:
        """Name the subscription, down to the disk."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, name.encode(), 0)
        os.fsync(self._descriptor)

    def leave(self) -> None:
        """Let go of it: the job's next start finds it."""
        os.close(self._descriptor)

    def delete(self) -> None:
        """The job is over."""
        self.path.unlink(missing_ok=True)
        self.leave()


def claim(folder: Path, job: str, step: str) -> Record:
    """The record of one step of a job, new or left by a start that is no more.

    A second job of the same name that runs meanwhile has one of its own, so both get every
    message. Raises StoreUnusable.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", f"{job}.{step}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return next(_free(folder / f"{stem}.{number}.subscription" for number in count(1)))
    except OSError as error:
        raise StoreUnusable(str(folder), str(error)) from error


def _free(paths: Iterator[Path]) -> Iterator[Record]:
    for path in paths:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have deleted it between the two calls.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                yield Record(path, descriptor)
                continue
        os.close(descriptor)


def subscribe(client: SubscriberClient, record: Record, topic: str, project: str) -> str:
    """The subscription that the record names, or a new one. Raises SubscriptionUnusable.

    One that is gone, or whose topic was deleted and made anew, is no use any more.
    """
    name = record.name
    try:
        if name and _exists(client, name, topic):
            log.warning("%s: reading on, as an earlier start of this job left it", name)
            return name
        made = f"beam_{int(time.time())}_{random.randrange(1 << 32):x}"
        name = f"projects/{project}/subscriptions/{made}"
        record.write(name)
        client.create_subscription(name=name, topic=topic, timeout=UNARY_SECONDS)
    except GoogleAPICallError as error:
        record.leave()
        raise SubscriptionUnusable(name, type(error).__name__, error.message) from error
    return name


def _exists(client: SubscriberClient, name: str, topic: str) -> bool:
    """Whether it is there and the topic's; made again under its name where it is gone."""
    try:
        client.create_subscription(name=name, topic=topic, timeout=UNARY_SECONDS)
    except AlreadyExists:
        found = client.get_subscription(subscription=name, timeout=UNARY_SECONDS)
        return bool(found.topic == topic)
    return True


def unsubscribe(client: SubscriberClient, record: Record) -> None:
    """The job is over: delete its subscription, and the record with it."""
    try:
        client.delete_subscription(subscription=record.name, timeout=UNARY_SECONDS)
    except GoogleAPICallError as error:
        log.warning("%s was not deleted: %s", record.name, error.message)
        record.leave()
    else:
        record.delete()
