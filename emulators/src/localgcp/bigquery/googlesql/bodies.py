"""The bodies of functions with their tables under names of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.googlesql.reference.messages import Path


class Bodies:
    """Routines whose bodies name `_localgcp_body_N`; `names` says which table each is."""

    def __init__(self, routines: Iterable[Routine]) -> None:
        self.names: dict[Path, str] = {}
        self.routines = tuple(self._renamed(routine) for routine in routines)

    def _renamed(self, routine: Routine) -> Routine:
        raw = routine.body.encode()
        for read in sorted(routine.reads, key=lambda read: -read.start):
            name = self.names.setdefault(read.path, f"_localgcp_body_{len(self.names)}")
            text = name if read.named else f"{name} AS `{read.path[-1]}`"
            raw = raw[: read.start] + text.encode() + raw[read.end :]
        return replace(routine, body=raw.decode(), reads=())
