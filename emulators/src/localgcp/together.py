"""All emulators as one: started together, ended together, found together.

up    runs them until a signal comes or one of them ends
led   the environment that leads clients to those that run already, or to some started for it
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from localgcp import clients, environment, tunnel
from localgcp.base import LOOPBACK, Emulator, EmulatorError, claim_port
from localgcp.emulators import build
from localgcp.guard import NOBODY_ELSE, Allowed

PROJECT = "local-project"
POLL_S = 0.5
ANSWER_S = 2.0


class NobodyAnswers(Exception):
    """No emulator is where it should be."""

    def __init__(self, service: str, address: str) -> None:
        super().__init__(
            f"{service}: nothing answers on {address}; start `localgcp up`, or set "
            f"{service.upper()}_PORT to where it runs"
        )


def until_signalled() -> threading.Event:
    """Set by SIGTERM, SIGINT and SIGHUP; under nohup, not by SIGHUP."""
    asked = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, lambda *_: asked.set())
    return asked


@contextmanager
def started(emulators: Sequence[Emulator]) -> Iterator[None]:
    """All of them listen; none is left, however it ends. Raises PortBusy, StartFailed."""
    try:
        for emulator in emulators:
            emulator.start()
        yield
    finally:
        for emulator in reversed(emulators):
            emulator.stop()


def watch(emulators: Sequence[Emulator], asked: threading.Event) -> int:
    """Return 0 once `asked` is set, 1 with a word once one has ended by itself."""
    while not asked.wait(POLL_S):
        for emulator in emulators:
            if not emulator.alive():
                sys.stderr.write(f"{emulator.name} ended by itself\n")
                return 1
    return 0


def up(data_dir: Path | None, allowed: Allowed = NOBODY_ELSE) -> int:
    """Run all emulators at their ports until a signal comes; the exit code."""
    asked = until_signalled()
    emulators = _all(data_dir, environment.port, allowed)
    try:
        with started(emulators):
            width = max(map(len, environment.PORTS))
            for emulator in emulators:
                sys.stdout.write(f"{emulator.name:<{width}}  {LOOPBACK}:{emulator.port}\n")
            where = "nowhere: give --data-dir to keep it" if data_dir is None else data_dir
            sys.stdout.write(f'State is kept in {where}.\nElsewhere: eval "$(localgcp env)"\n')
            sys.stdout.flush()
            return watch(emulators, asked)
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 2


# Pub/Sub writes messages to the others; Cloud Storage tells it of its objects; BigQuery's jobs read
# and write those.
_MEETS = {"pubsub": ("bigquery", "storage"), "storage": ("pubsub",), "bigquery": ("storage",)}


def _all(
    data_dir: Path | None, port: Callable[[str], int], allowed: Allowed = NOBODY_ELSE
) -> list[Emulator]:
    """Each after the one that it calls."""
    made: list[Emulator] = []
    for name in ("pubsub", "storage", "bigquery"):
        folder = None if data_dir is None else data_dir / name
        own = {other: f"{LOOPBACK}:{port(other)}" for other in _MEETS[name]}
        made.append(build(name, LOOPBACK, port(name), folder, allowed, **own))
    return made


def env(folder: Path, project: str) -> dict[str, str]:
    """What leads clients to the emulators that run at their ports; writes files to `folder`.

    gcloud is led to a console too, where there is one. Raises NobodyAnswers, InvalidVariable,
    OSError.
    """
    addresses = {name: f"{LOOPBACK}:{environment.port(name)}" for name in environment.PORTS}
    for name, address in addresses.items():
        if not answers(address):
            raise NobodyAnswers(name, address)
    folder = folder.absolute()
    clients.write_files(folder, addresses["bigquery"], project)
    led = clients.environ(folder, addresses, project) | clients.tools(folder, project)
    led |= tunnel.led_by_asking(addresses["bigquery"], folder)
    console = f"{LOOPBACK}:{environment.port('console')}"
    if is_console(console):
        led |= environment.console(console) | {"CONSOLE_URL": f"http://{console}"}
    return led


@contextmanager
def led(project: str = PROJECT) -> Iterator[Mapping[str, str]]:
    """What leads clients to emulators, for as long as it lasts.

    To those that the environment names already: then it is empty. To those at their ports, where
    all answer. Or to some of its own, which keep nothing. Raises PortBusy, StartFailed.
    """
    with TemporaryDirectory(prefix="localgcp-") as temporary:
        folder = Path(temporary)
        if environment.leads_somewhere():
            yield {}
            return
        try:
            found = env(folder, project)
        except NobodyAnswers:
            sys.stderr.write("localgcp: no emulators run, so these are started for the script\n")
        else:
            yield found
            return
        ports = {name: claim_port(name, LOOPBACK, 0) for name in environment.PORTS}
        emulators = _all(None, ports.__getitem__)
        with started(emulators):
            addresses = {each.name: f"{LOOPBACK}:{each.port}" for each in emulators}
            clients.write_files(folder, addresses["bigquery"], project)
            found = clients.environ(folder, addresses, project)
            yield found | tunnel.led(addresses["bigquery"])


def is_console(address: str) -> bool:
    """Whether the console is at HOST:PORT; never raises."""
    try:
        with urlopen(f"http://{address}/_emulator/facts", timeout=ANSWER_S) as answer:
            return "jobs" in json.load(answer)
    except HTTPError as refusal:
        refusal.close()
        return False
    except (URLError, OSError, HTTPException, ValueError, TypeError):
        return False


def answers(address: str) -> bool:
    """Whether HTTP is spoken at HOST:PORT; never raises."""
    try:
        with urlopen(f"http://{address}/", timeout=ANSWER_S):
            return True
    except HTTPError as answer:
        answer.close()
        return True
    except (URLError, OSError, HTTPException):
        return False
