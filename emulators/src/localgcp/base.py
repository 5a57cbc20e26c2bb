"""The face that every emulator shows, whatever it is made of."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from localgcp import ports, private

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Health:
    """What an emulator says of itself: serving or not, and numbers worth showing."""

    ok: bool
    detail: str = ""
    figures: dict[str, int | float | str] = field(default_factory=dict)


@runtime_checkable
class Emulator(Protocol):
    """One service of the small cloud.

    Built as `Thing(host=LOOPBACK, port=0, data_dir=None, allowed=Allowed())`: port 0 takes a free
    one, without a data_dir nothing outlives `stop()`, and `allowed` names whom its guard lets in
    besides this machine.
    """

    name: str
    host: str
    port: int

    def start(self) -> None:
        """Return once it listens, with `port` set. Raises PortBusy, StartFailed."""

    def stop(self) -> None:
        """Stop serving, with all state on disk. Safe to call twice, or before start."""

    def alive(self) -> bool:
        """Whether the server behind it still runs; cheap, asks nothing over the wire."""

    def health(self) -> Health:
        """Ask it over the wire, as a client would; never raises."""

    def env(self) -> dict[str, str]:
        """The environment variables that lead the official clients here. Raises NotStarted."""


class EmulatorError(Exception):
    """Base of all that an emulator raises to the program that runs it (not to its clients)."""


class PortBusy(EmulatorError):
    """The port asked for is in use."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name, self.host, self.port = name, host, port
        super().__init__(
            f"{name}: port {port} on {host} is in use; stop what holds it, or pass --port"
        )


class NotStarted(EmulatorError):
    """An address was asked of an emulator that does not listen yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not started, so it has no address yet; call start() first")


class StartFailed(EmulatorError):
    """It ended, or said nothing, before it listened."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} did not start: {why}")


def claim_port(name: str, host: str, port: int) -> int:
    """Return `port` if it is free, or for 0 a free one, which no other program claims meanwhile.

    Raises PortBusy naming it.
    """
    if port:
        if not is_free(host, port):
            raise PortBusy(name, host, port)
        return port
    found = ports.OURS.take(lambda each: is_free(host, each))
    if found is None:
        raise PortBusy(name, host, ports.FREE_PORTS[-1])
    return found


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there: the address is this machine's, the port nobody's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def reachable(host: str) -> str:
    """Where a program on this machine finds what listens on `host`: all addresses has none."""
    return LOOPBACK if host in ("0.0.0.0", "::", "") else host


def data_directory(data_dir: Path | str | None) -> Path | None:
    """Make the directory if one was named, for its user alone; None stays None (all in memory)."""
    if data_dir is None:
        return None
    path = Path(data_dir)
    private.close(path)
    return path
