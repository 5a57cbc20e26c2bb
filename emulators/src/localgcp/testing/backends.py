"""Where the emulators of a test session run: in this process, in containers, or already."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Protocol

from localgcp import environment
from localgcp.base import LOOPBACK, Emulator, is_free
from localgcp.testing.errors import Unavailable
from localgcp.together import answers

SERVICES = ("pubsub", "storage", "bigquery")
START_SECONDS, POLL_SECONDS = 60.0, 0.1


CONTAINERS_CALL_US = "host.docker.internal"
"""The name of this machine in a container that was given it: Docker's `host-gateway`."""


@dataclass(frozen=True)
class Here:
    """How the services reach a server of the test's own, a push endpoint say."""

    listen: str
    """The address that it listens on."""
    name: str
    """What the services call it, without a port."""


class Backend(Protocol):
    """One way to have emulators."""

    def start(self, service: str) -> str:
        """HOST:PORT of the service, once it answers. Raises Unavailable."""

    def here(self) -> Here:
        """How its services reach what a test listens with. Raises Unavailable."""

    def stop(self) -> None:
        """End all that was started."""


class Embedded:
    """In the test's own process, on free ports, with nothing kept: the quickest."""

    def __init__(self) -> None:
        self._running: list[Emulator] = []

    def start(self, service: str) -> str:
        """HOST:PORT of the service, once it answers. Raises EmulatorError."""
        from localgcp.emulators import build

        emulator = build(service, LOOPBACK, 0, None)
        emulator.start()
        self._running.append(emulator)
        return f"{emulator.host}:{emulator.port}"

    def here(self) -> Here:
        """This machine's loopback."""
        return Here(LOOPBACK, LOOPBACK)

    def stop(self) -> None:
        """End all that was started."""
        while self._running:
            self._running.pop().stop()


class Compose:
    """The stack that `docker compose up` or `python -m local up` runs, at its ports."""

    def start(self, service: str) -> str:
        """HOST:PORT of the service. Raises Unavailable where nothing answers."""
        address = f"{LOOPBACK}:{environment.port(service)}"
        if not answers(address):
            why = (
                f"nothing answers on {address}; docker compose up --wait, or {service.upper()}_PORT"
            )
            raise Unavailable(service, why)
        return address

    def here(self) -> Here:
        """By the gateway from a container; by loopback where the stack runs without."""
        published = _docker("ps", "--quiet", "--filter", f"publish={environment.port('pubsub')}")
        return _through_the_gateway() if published else Here(LOOPBACK, LOOPBACK)

    def stop(self) -> None:
        """Leave it running: it was there before."""


@dataclass(frozen=True)
class Image:
    """What runs a service in a container of its own."""

    name: str
    command: str
    port: int


OURS = {
    "pubsub": Image("realtime-pipeline/emulators", "pubsub --host 0.0.0.0 --port 8085", 8085),
    "storage": Image("realtime-pipeline/emulators", "storage --host 0.0.0.0 --port 4443", 4443),
    "bigquery": Image("realtime-pipeline/emulators", "bigquery --host 0.0.0.0 --port 9050", 9050),
}
UPSTREAM = {
    "pubsub": Image(
        "gcr.io/google.com/cloudsdktool/google-cloud-cli:587.0.0-emulators",
        "gcloud beta emulators pubsub start --host-port=0.0.0.0:8085",
        8085,
    ),
    "storage": Image(
        "fsouza/fake-gcs-server:1.54.0",
        "-scheme http -port 4443 -backend memory -log-level warn",
        4443,
    ),
    "bigquery": Image(
        "ghcr.io/goccy/bigquery-emulator:0.6.6",
        "--project=test-project --host=0.0.0.0 --port=9050",
        9050,
    ),
}


class Containers:
    """A container for each service, made by testcontainers and gone after the session."""

    def __init__(self, images: Mapping[str, Image]) -> None:
        self._images = images
        self._running: list[Any] = []

    def start(self, service: str) -> str:
        """HOST:PORT of the service, once it answers. Raises Unavailable."""
        from docker.errors import DockerException
        from testcontainers.core.container import DockerContainer

        _need_ryuk(service)
        image = self._images[service]
        container = DockerContainer(image.name).with_command(image.command)
        container.with_env("ALLOW_PUSH", CONTAINERS_CALL_US)
        container.with_kwargs(extra_hosts={CONTAINERS_CALL_US: "host-gateway"})
        # with_exposed_ports would open it to the network.
        container.ports[f"{image.port}/tcp"] = (LOOPBACK, None)
        try:
            container.start()
        except DockerException as error:
            raise Unavailable(service, f"image {image.name} does not start: {error}") from error
        self._running.append(container)
        address = f"{LOOPBACK}:{container.get_exposed_port(image.port)}"
        deadline = time.monotonic() + START_SECONDS
        while not answers(address):
            if time.monotonic() > deadline:
                said = b"".join(container.get_logs()).decode(errors="replace")[-1000:]
                raise Unavailable(service, f"silent for {START_SECONDS:g} s; its log ends: {said}")
            time.sleep(POLL_SECONDS)
        return address

    def here(self) -> Here:
        """By the gateway. Raises Unavailable."""
        return _through_the_gateway()

    def stop(self) -> None:
        """End all that was started."""
        while self._running:
            self._running.pop().stop()


def _need_ryuk(service: str) -> None:
    """Start testcontainers' own clean-up container, unless it runs. Raises Unavailable."""
    from docker.errors import DockerException
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import Reaper

    if testcontainers_config.ryuk_disabled:
        return
    try:
        Reaper.get_instance()
    except DockerException as error:
        why = (
            f"testcontainers' clean-up container {testcontainers_config.ryuk_image} does not "
            f"start: {error}; docker pull it, or set TESTCONTAINERS_RYUK_DISABLED=true"
        )
        raise Unavailable(service, why) from error


def _through_the_gateway() -> Here:
    """What a container reaches as its host is an address of Docker's own bridge on Linux.

    Docker Desktop hands it on to the loopback of the machine. Raises Unavailable.
    """
    told = _docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}")
    if told is None:
        raise Unavailable("docker", "its command does not tell the gateway of its network `bridge`")
    configs = json.loads(told)
    gateways = [each.get("Gateway") or _first_host(each["Subnet"]) for each in configs]
    ours = next((each for each in gateways if is_free(each, 0)), LOOPBACK)
    return Here(ours, CONTAINERS_CALL_US)


def _first_host(subnet: str) -> str:
    return str(next(ip_network(subnet).hosts()))


def _docker(*args: str) -> str | None:
    """What the command says; None where it is missing, or fails."""
    try:
        done = subprocess.run(["docker", *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout.strip()


def chosen() -> Backend:
    """The one that EMULATORS names. Raises InvalidVariable."""
    name = environment.kind()
    if name == "embedded":
        return Embedded()
    if name == "compose":
        return Compose()
    return Containers(OURS if name == "testcontainers" else UPSTREAM)
