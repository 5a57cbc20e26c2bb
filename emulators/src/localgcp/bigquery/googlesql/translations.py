"""Queries that were translated before: a text that comes again is not parsed again.

A translation holds for as long as the tables that it reads keep their columns.
"""

from __future__ import annotations

from dataclasses import replace

from localgcp.bigquery.errors import NotFound
from localgcp.bigquery.googlesql.remembered import Remembered
from localgcp.bigquery.googlesql.statements import Context, Translation

_REMEMBERED = 1000


class Translations:
    """The translations of one catalog's queries."""

    def __init__(self) -> None:
        self._known = Remembered[Translation](_REMEMBERED)

    def find(self, sql: str, context: Context) -> Translation | None:
        """A query's, with the values of today's parameters; None if it is to be made."""
        known = self._known.get(_key(sql, context))
        if known is None or not _still(known, context):
            return None
        values = {p.key: p.value for p in context.parameters if p.key in known.values}
        return replace(known, values=values)

    def keep(self, sql: str, context: Context, made: Translation) -> Translation:
        """Keep it, unless it holds what is of its moment; gives it back.

        That are the rows of INFORMATION_SCHEMA, and the tables that a wildcard finds.
        """
        texts = [sql, *(table.query or "" for table in made.reads)]
        if made.relations or any("*`" in text for text in texts):
            return made
        return self._known.put(_key(sql, context), made)


def _key(sql: str, context: Context) -> object:
    shapes = tuple((p.name, p.key, p.field) for p in context.parameters)
    number = context.scope.number if context.scope else 0
    return (sql, context.project, context.dataset, number, shapes, context.by_bytes)


def _still(known: Translation, context: Context) -> bool:
    try:
        return all(context.catalog.table(table.name).reads_as(table) for table in known.reads)
    except NotFound:
        return False
