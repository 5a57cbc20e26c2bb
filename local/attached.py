"""A stack that something else runs, Docker Compose say: the environment leads there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import settings
from local import laptop
from local.errors import NotDone, Unusable
from localgcp import clients, environment, tunnel


class Reachable(Protocol):
    """What a command needs of a stack, whoever runs it."""

    @property
    def names(self) -> settings.Settings:
        """The names of record."""

    @property
    def publish_log(self) -> Path:
        """Where publishers record each confirmed event id."""

    def url(self, process: str) -> str:
        """Where the process called `process` listens, as http://HOST:PORT."""


@dataclass(frozen=True)
class Attached:
    """The stack of the environment; its Google clients need no leading, they read it too."""

    endpoints: laptop.Endpoints

    @property
    def names(self) -> settings.Settings:
        """The names of record."""
        return settings.load()

    @property
    def publish_log(self) -> Path:
        """Where publishers record each confirmed event id. Raises InvalidSetting."""
        log = self.names.publish_log
        if log is None:
            raise settings.InvalidSetting("PUBLISH_LOG", "is not set: no ledger without it")
        return log

    def client_environ(self, folder: Path) -> dict[str, str]:
        """The variables for clients, with the files they name in `folder`.

        Raises Unusable, and NotDone where BigQuery does not answer.
        """
        names = self.names
        at = {each: self.url(each).removeprefix("http://") for each in environment.PORTS}
        try:
            clients.write_files(folder, at["bigquery"], names.project_id, names.dataset)
        except OSError as error:
            raise Unusable(folder, error) from error
        found = {
            **clients.environ(folder, at, names.project_id),
            **clients.tools(folder, names.project_id),
            **self._storage_apis(folder, at),
            "PROJECT_ID": names.project_id,
            "ENVIRONMENT": names.environment,
            "GENERATOR_URL": self.url("generator"),
            "TABLE_MANAGER_URL": self.url("table_manager"),
            "PIPELINE_URL": self.url("pipeline"),
        }
        if room := self.url("control_room"):
            found["CONTROL_ROOM_URL"] = room
        if console := self.url("console"):
            found |= {"CONSOLE_URL": console}
            found |= environment.console(console.removeprefix("http://"))
        if names.publish_log is not None:
            found["PUBLISH_LOG"] = str(names.publish_log)
        return found

    def _storage_apis(self, folder: Path, at: Mapping[str, str]) -> dict[str, str]:
        """What leads the clients of BigQuery's Storage APIs; nothing where they have no way."""
        try:
            return tunnel.led_by_asking(at["bigquery"], folder, at.values())
        except tunnel.NotShown as error:
            raise NotDone(str(error)) from error
        except OSError as error:
            raise Unusable(folder, error) from error

    def url(self, process: str) -> str:
        """Where the process called `process` listens, as http://HOST:PORT."""
        url: str = getattr(self.endpoints, process)
        return url


def attached() -> Attached | None:
    """The stack that the environment leads to, if it does. Raises InvalidSetting."""
    endpoints = laptop.endpoints()
    return Attached(endpoints) if endpoints else None
