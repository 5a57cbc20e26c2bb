"""What a test takes into its hands besides clients: the emulators' time, and their faults."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from localgcp.testing.cloud import Cloud
from localgcp.testing.errors import Unavailable

TIMED = ("pubsub", "bigquery")
"""The services that do something by the time."""
TIMEOUT_S = 60.0


class TurnableClock:
    """The time of Pub/Sub and BigQuery, which only goes forward, and stays turned."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def advance(self, seconds: float) -> None:
        """Turn it, and return once all that is due by then is done.

        Ack deadlines and message retention pass, tables and partitions expire, insert ids are
        forgotten. Only what runs already is turned. Raises ValueError, Unavailable.
        """
        for service in TIMED:
            asked = {"advance_seconds": seconds}
            control(self._cloud, service, "POST", "/_emulator/clock", asked)


class ThrownFaults:
    """The faults of the session's emulators."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._thrown: set[str] = set()

    def throw(self, service: str, *faults: Mapping[str, Any], seed: int = 0) -> None:
        """Put `faults` in place of those that `service` had; see localgcp.faults.Fault.

        Raises ValueError for what is no fault, Unavailable.
        """
        asked = {"faults": faults, "seed": seed}
        control(self._cloud, service, "PUT", "/_emulator/faults", asked)
        self._thrown.add(service)

    def met(self, service: str) -> int:
        """How many calls they have met."""
        faults: Sequence[Mapping[str, Any]] = control(
            self._cloud, service, "GET", "/_emulator/faults"
        )["faults"]
        return sum(int(fault["met"]) for fault in faults)

    def clear(self) -> None:
        """Throw none any more."""
        for service in self._thrown:
            control(self._cloud, service, "DELETE", "/_emulator/faults")
        self._thrown.clear()


def control(cloud: Cloud, service: str, method: str, path: str, body: Any = None) -> Any:
    """One call of an emulator's own pages. Raises ValueError, Unavailable."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"http://{cloud.address(service)}{path}", data, method=method)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except HTTPError as error:
        said = error.read().decode(errors="replace")
        if error.code == 400:
            raise ValueError(json.loads(said)["error"]["message"]) from error
        why = f"{method} {path} answers {error.code}: {said[:200]}"
        raise Unavailable(service, f"it is no emulator of localgcp: {why}") from error
