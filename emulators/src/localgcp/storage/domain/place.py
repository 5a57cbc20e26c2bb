"""Where an object is, by names that were checked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from localgcp.storage.disk.file_names import path_of
from localgcp.storage.domain import names
from localgcp.storage.domain.conditions import Conditions


@dataclass(frozen=True)
class Place:
    """Where an object is, by names that were checked."""

    bucket: str
    name: str

    @classmethod
    def checked(cls, bucket: object, name: object, field: str = "object") -> Place:
        """A place by names that were checked. Raises Invalid."""
        return cls(names.bucket(bucket), names.object_(name, field))

    @property
    def file(self) -> str:
        """What the binary calls it."""
        return path_of(self.name)

    @property
    def path(self) -> str:
        """Of the binary's JSON API, encoded so that it reads what we checked."""
        return f"/storage/v1/b/{self.bucket}/o/{quote(self.file, safe='')}"

    @property
    def key(self) -> tuple[str, str]:
        """For locks and records."""
        return self.bucket, self.name


@dataclass(frozen=True)
class Source:
    """An object that is copied or composed from, and what is demanded of it."""

    place: Place
    conditions: Conditions
