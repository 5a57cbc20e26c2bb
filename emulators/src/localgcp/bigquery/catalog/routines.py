"""The routines of datasets: functions, table functions and procedures, kept on disk."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.routine import Argument, BodyRead, Routine
from localgcp.bigquery.catalog.schema import Field, field_of
from localgcp.bigquery.errors import AlreadyExists, NotFound
from localgcp.bigquery.store import Store, Transaction

_SETUP = """
CREATE TABLE IF NOT EXISTS data.emulator.routines (id VARCHAR, dataset VARCHAR, resource VARCHAR)
"""


class RoutineNotFound(NotFound):
    """No such function, table function or procedure."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Not found: Routine {name}")


class RoutineExists(AlreadyExists):
    """The routine is there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Already Exists: Routine {name}")


@dataclass(frozen=True, slots=True)
class RoutineName:
    """A routine's full name."""

    project: str
    dataset: str
    routine: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.routine}"


@dataclass(frozen=True, slots=True)
class StoredRoutine:
    """A routine of a dataset; times are milliseconds since the epoch."""

    name: RoutineName
    routine: Routine
    created_ms: int
    modified_ms: int


class StoredRoutines:
    """By name; every method may be called from any thread."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        """Load what the store holds."""
        self._store, self._catalog = store, catalog
        self._known: dict[RoutineName, StoredRoutine] = {}
        with store.write() as tx:
            tx.db.execute(_SETUP)
            for (text,) in tx.db.execute("SELECT resource FROM data.emulator.routines").fetchall():
                found = _loaded(json.loads(text))
                self._known[found.name] = found
        catalog.parts.append(self)

    def find(self, project: str, dataset: str, routine: str) -> Routine | None:
        """One, if it is there."""
        found = self._known.get(RoutineName(project, dataset, routine))
        return found.routine if found else None

    def get(self, name: RoutineName) -> StoredRoutine:
        """One routine. Raises DatasetNotFound, RoutineNotFound."""
        found = self._known.get(name)
        if found is None:
            self._catalog.dataset(name.project, name.dataset)
            raise RoutineNotFound(str(name))
        return found

    def list_(self, project: str, dataset: str) -> list[StoredRoutine]:
        """All of a dataset, by name. Raises DatasetNotFound."""
        self._catalog.dataset(project, dataset)
        wanted = (project, dataset)
        mine = (s for n, s in list(self._known.items()) if (n.project, n.dataset) == wanted)
        return sorted(mine, key=lambda each: each.name.routine)

    def create(self, name: RoutineName, routine: Routine, mode: str) -> str:
        """Keep it; says CREATE, SKIP or REPLACE. Raises DatasetNotFound, RoutineExists."""
        with self._store.write() as tx:
            self._catalog.dataset(name.project, name.dataset)
            old, now = self._known.get(name), self._catalog.now_ms()
            if old is not None and mode == "IF_NOT_EXISTS":
                return "SKIP"
            if old is not None and mode != "OR_REPLACE":
                raise RoutineExists(str(name))
            made = StoredRoutine(name, routine, old.created_ms if old else now, now)
            self._forget(tx, name)
            row = [str(name), f"{name.project}:{name.dataset}", json.dumps(_kept(made))]
            tx.db.execute("INSERT INTO data.emulator.routines VALUES (?, ?, ?)", row)
            tx.after.append(partial(self._known.__setitem__, name, made))
        return "REPLACE" if old else "CREATE"

    def delete(self, name: RoutineName) -> None:
        """Forget one. Raises DatasetNotFound, RoutineNotFound."""
        with self._store.write() as tx:
            self.get(name)
            self._forget(tx, name)

    def _forget(self, tx: Transaction, name: RoutineName) -> None:
        tx.db.execute("DELETE FROM data.emulator.routines WHERE id = ?", [str(name)])
        tx.after.append(partial(self._known.pop, name, None))

    def holds(self, project: str, dataset: str) -> bool:
        """Whether a dataset has any."""
        return any((n.project, n.dataset) == (project, dataset) for n in list(self._known))

    def drop_in(self, tx: Transaction, project: str, dataset: str) -> None:
        """Delete those of a dataset, as part of a transaction."""
        for name in list(self._known):
            if (name.project, name.dataset) == (project, dataset):
                self._forget(tx, name)


def _kept(stored: StoredRoutine) -> dict[str, Any]:
    routine = asdict(replace(stored.routine, signature=b""))
    routine["signature"] = b64encode(stored.routine.signature).decode()
    times = {"created": stored.created_ms, "modified": stored.modified_ms}
    return {"name": asdict(stored.name), "routine": routine, **times}


def _loaded(kept: Mapping[str, Any]) -> StoredRoutine:
    raw = kept["routine"]
    routine = Routine(
        kind=raw["kind"],
        path=tuple(raw["path"]),
        arguments=tuple(Argument(**{**a, "type": _field(a["type"])}) for a in raw["arguments"]),
        returns=_field(raw["returns"]),
        body=raw["body"],
        language=raw["language"],
        signature=b64decode(raw["signature"]),
        reads=tuple(BodyRead(**{**read, "path": tuple(read["path"])}) for read in raw["reads"]),
        # Which older ones do not say:
        determinism=raw.get("determinism", ""),
        libraries=tuple(raw.get("libraries", ())),
    )
    return StoredRoutine(RoutineName(**kept["name"]), routine, kept["created"], kept["modified"])


def _field(raw: Mapping[str, Any] | None) -> Field | None:
    return None if raw is None else field_of(raw)
