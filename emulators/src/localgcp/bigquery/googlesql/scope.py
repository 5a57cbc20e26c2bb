"""What a script or a session brings along: its own functions, procedures and tables."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Protocol

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.googlesql.reference.messages import Path

_numbers = itertools.count(1)


@dataclass(slots=True)
class Scope:
    """One script's; a name without a dataset is looked for here first."""

    routines: dict[str, Routine] = field(default_factory=dict)
    tables: dict[str, Name] = field(default_factory=dict)
    dataset: str | None = None  # the hidden one of its tables
    number: int = field(default_factory=lambda: next(_numbers))

    def table(self, path: Path) -> Name | None:
        """The temporary table of this name, also with _SESSION before it."""
        if len(path) == 1 or (len(path) == 2 and path[0].upper() == "_SESSION"):
            return self.tables.get(path[-1].lower())
        return None


class OfDatasets(Protocol):
    """The routines of datasets."""

    def find(self, project: str, dataset: str, routine: str) -> Routine | None:
        """One, if it is there."""


@dataclass(frozen=True, slots=True)
class Routines:
    """Every routine that a statement may name: the scope's, and those of datasets."""

    stored: OfDatasets

    def find(
        self, path: Path, project: str, dataset: str | None, scope: Scope | None
    ) -> Routine | None:
        """The routine of this path, if there is one."""
        if len(path) == 1 and scope is not None and path[0].lower() in scope.routines:
            return scope.routines[path[0].lower()]
        home = path[-2] if len(path) > 1 else dataset
        if home is None:
            return None
        return self.stored.find(".".join(path[:-2]) or project, home, path[-1])
