"""What every emulator promises, whatever it is made of."""

from __future__ import annotations

import json
import os
import signal
import socket
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
