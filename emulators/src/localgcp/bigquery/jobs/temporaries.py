"""Temporary tables: tables of a hidden dataset, which goes with its script."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from dataclasses import replace

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import InvalidQuery, NotFound, SqlNotSupported
from localgcp.bigquery.googlesql import texts
from localgcp.bigquery.googlesql.scope import Scope
from localgcp.bigquery.jobs.query import Query

PREFIX = "_localgcp_temporary_"
_CREATE = re.compile(
    r"""(?ix)^(?P<create>\s*CREATE\s+(?:OR\s+REPLACE\s+)?)TEMP(?:ORARY)?\s+
    (?P<rest>TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<path>[`\w.-]+))"""
)


class Temporaries:
    """Makes room for the temporary tables of scopes."""

    def __init__(self, catalog: Catalog) -> None:
        """Delete what a killed emulator has left."""
        self._catalog = catalog
        for project in catalog.projects():
            for dataset in catalog.list_datasets(project):
                if dataset.id.startswith(PREFIX):
                    catalog.delete_dataset(project, dataset.id, contents=True)

    def placed(self, query: Query) -> Query | None:
        """A CREATE TEMP TABLE as a CREATE TABLE of the hidden dataset; None for all else.

        Raises InvalidQuery outside of a script, SqlNotSupported.
        """
        match = _CREATE.match(query.sql)
        if match is None:
            return None
        if query.scope is None:
            what = "Use of CREATE TEMPORARY TABLE requires a script or session"
            raise InvalidQuery(what, "query")
        path = match["path"].replace("`", "").split(".")
        if len(path) > 1 and path[:-1] != ["_SESSION"]:
            raise InvalidQuery("A temporary table must not be qualified with a dataset", "query")
        name = Name(query.project, self._dataset(query), path[-1])
        query.scope.tables.setdefault(path[-1].lower(), name)
        rest = query.sql[match.end() :]
        return replace(query, sql=f"{match['create']}{match['rest']}{rest}")

    def _dataset(self, query: Query) -> str:
        scope = query.scope
        assert scope is not None
        if scope.dataset is None:
            made = f"{PREFIX}{uuid.uuid4().hex}"
            reference = {"datasetReference": {"datasetId": made}}
            self._catalog.create_dataset(query.project, reference)
            scope.dataset = made
        return scope.dataset

    def settle(self, scope: Scope) -> None:
        """Forget the names of tables that are not there."""
        for key, name in list(scope.tables.items()):
            with suppress(NotFound):
                self._catalog.table(name)
                continue
            del scope.tables[key]

    def end(self, project: str, scope: Scope) -> None:
        """Delete the tables of a scope."""
        if scope.dataset is not None:
            self._catalog.delete_dataset(project, scope.dataset, contents=True)
            scope.dataset = None


def refuse_definition(sql: str) -> None:
    """Refuse what changes no rows, in a transaction. Raises SqlNotSupported."""
    word = texts.first_word(sql)
    if word in ("CREATE", "DROP", "ALTER", "TRUNCATE"):
        raise SqlNotSupported(f"{word} in a transaction")
