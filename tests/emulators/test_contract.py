"""What every emulator promises, whatever it is made of."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localgcp.base import LOOPBACK, Emulator, NotStarted, PortBusy
from localgcp.emulators import CLASSES, build

NAMES = sorted(CLASSES)


@pytest.fixture(params=NAMES)
def emulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    made = build(request.param, LOOPBACK, 0, tmp_path / "data")
    yield made
    made.stop()


def test_shows_the_face(emulator: Emulator) -> None:
    assert isinstance(emulator, Emulator)
    assert emulator.name in CLASSES


def test_listens_on_a_free_port_once_started(emulator: Emulator) -> None:
    emulator.start()
    assert emulator.port != 0
    with socket.create_connection((LOOPBACK, emulator.port), timeout=5):
        pass
    assert emulator.alive()
    assert emulator.health().ok


def test_names_its_address_to_clients(emulator: Emulator) -> None:
    with pytest.raises(NotStarted, match=emulator.name):
        emulator.env()
    emulator.start()
    assert f"{LOOPBACK}:{emulator.port}" in "".join(emulator.env().values())


def test_stop_is_safe_before_start_and_twice(emulator: Emulator) -> None:
    emulator.stop()
    emulator.start()
    port = emulator.port
    emulator.stop()
    emulator.stop()
    assert not emulator.alive()
    assert not emulator.health().ok
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), timeout=5).close()


def test_a_busy_port_is_named(emulator: Emulator) -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        other = build(emulator.name, LOOPBACK, port, None)
        with pytest.raises(PortBusy, match=str(port)):
            other.start()


@pytest.mark.parametrize("name", NAMES)
def test_runs_alone_and_ends_on_sigterm(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localgcp", name, "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["listening"] == name
        assert str(ready["port"]) in "".join(ready["env"].values())
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


FILL = """
import sys
from urllib.request import Request, urlopen
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, pubsub_v1, storage

name, port = sys.argv[1:]
if name == "pubsub":
    publisher = pubsub_v1.PublisherClient()
    topic = publisher.topic_path("test-project", "topic")
    publisher.create_topic(name=topic)
    with pubsub_v1.SubscriberClient() as subscriber:
        path = subscriber.subscription_path("test-project", "subscription")
        subscriber.create_subscription(name=path, topic=topic)
    publisher.publish(topic, b"secret").result(30)
elif name == "bigquery":
    client = bigquery.Client("test-project", AnonymousCredentials())
    client.create_dataset("d")
    client.query_and_wait("CREATE TABLE d.t AS SELECT * FROM UNNEST([1, 2]) AS x")
elif name == "console":
    request = Request(f"http://127.0.0.1:{port}/_emulator/facts", method="PUT")
    request.add_header("content-type", "application/json")
    urlopen(request, b'{"project": "test-project"}').close()
else:
    client = storage.Client("test-project", AnonymousCredentials())
    client.create_bucket("bucket").blob("deep/er/file").upload_from_string(b"secret")
"""


@pytest.mark.parametrize("name", NAMES)
def test_what_it_keeps_is_its_user_s_alone(name: str, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "localgcp", name, "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, umask=0o022) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        environ = {**os.environ, **ready["env"]}
        fill = [sys.executable, "-c", FILL, name, str(ready["port"])]
        subprocess.run(fill, env=environ, check=True, timeout=120)
        kept = [data_dir, *data_dir.rglob("*")]
        os.kill(process.pid, signal.SIGTERM)
    modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in kept if path.exists()}
    assert any(path.is_file() for path in kept)
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
