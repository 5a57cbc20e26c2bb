"""CREATE SNAPSHOT TABLE, CREATE TABLE ... CLONE or COPY, DROP SNAPSHOT TABLE: copy jobs in SQL."""

from __future__ import annotations

import re

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import AlreadyExists, Invalid, SqlNotSupported
from localgcp.bigquery.googlesql.sources import name_of
from localgcp.bigquery.jobs.copies import Copies, Copy, Place
from localgcp.bigquery.jobs.query import Outcome, Query

_PATH = r"(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*"
_CREATE = re.compile(
    rf"""(?isx)^\s*CREATE\s+(?P<replace>OR\s+REPLACE\s+)?(?P<snapshot>SNAPSHOT\s+)?TABLE\s+
    (?P<exists>IF\s+NOT\s+EXISTS\s+)?(?P<path>{_PATH})\s+(?P<how>CLONE|COPY)\s+(?P<of>{_PATH})
    \s*(?P<rest>.*?)\s*;?\s*$"""
)
_DROP = re.compile(
    rf"(?ix)^\s*DROP\s+SNAPSHOT\s+TABLE\s+(?P<exists>IF\s+EXISTS\s+)?(?P<path>{_PATH})\s*;?\s*$"
)


class Clones:
    """Runs them as copies."""

    def __init__(self, catalog: Catalog, copies: Copies) -> None:
        self._catalog, self._copies = catalog, copies

    def run(self, query: Query) -> Outcome | None:
        """What such a statement comes to; None for all others.

        Raises NotFound, AlreadyExists, NotATable, Invalid, SqlNotSupported.
        """
        made = _CREATE.match(query.sql)
        if made is not None:
            return self._create(query, made)
        dropped = _DROP.match(query.sql)
        return self._drop(query, dropped) if dropped is not None else None

    def _create(self, query: Query, match: re.Match[str]) -> Outcome:
        snapshot = match["snapshot"] is not None
        if match["rest"]:
            raise SqlNotSupported(f"{match['rest'].split()[0].upper()} of a CLONE or COPY")
        if snapshot and (match["replace"] or match["how"].upper() == "COPY"):
            raise SqlNotSupported("CREATE SNAPSHOT TABLE but with CLONE, or with OR REPLACE")
        target, source = _name(match["path"], query), _name(match["of"], query)
        kind = "CREATE_SNAPSHOT_TABLE" if snapshot else "CREATE_TABLE"
        operation = "COPY" if match["how"].upper() == "COPY" else "CLONE"
        write = "WRITE_TRUNCATE" if match["replace"] else "WRITE_EMPTY"
        copy = Copy(
            query.project,
            (Place(source),),
            Place(target),
            write=write,
            operation="SNAPSHOT" if snapshot else operation,
        )
        if query.dry_run:
            return Outcome(kind, target=target, operation="CREATE", dry_run=True)
        there = self._catalog.has(target)
        if there and match["exists"]:
            return Outcome(kind, target=target, operation="SKIP")
        if there and not match["replace"]:
            raise AlreadyExists(f"Already Exists: Table {target}", "query")
        self._copies.run(copy)
        done = "REPLACE" if there else "CREATE"
        return Outcome(kind, target=target, operation=done)

    def _drop(self, query: Query, match: re.Match[str]) -> Outcome:
        kind, name = "DROP_SNAPSHOT_TABLE", _name(match["path"], query)
        if match["exists"] and not self._catalog.has(name):
            return Outcome(kind, target=name, operation="SKIP")
        if self._catalog.table(name).snapshot is None:
            raise Invalid(f"{name} is no snapshot, so DROP SNAPSHOT TABLE cannot drop it")
        if not query.dry_run:
            self._catalog.delete_table(name)
        return Outcome(kind, target=name, operation="DROP")


def _name(path: str, query: Query) -> Name:
    """The full name of a path. Raises InvalidQuery, SqlNotSupported."""
    parts = tuple(re.sub(r"[`\s]", "", path).split("."))
    return name_of(parts, query.project, query.dataset, query.scope)
