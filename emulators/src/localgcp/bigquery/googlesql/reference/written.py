"""How the prelude's functions are written: a name, arguments as words, a body in SQL."""

from __future__ import annotations

from localgcp.bigquery.catalog.routine import Argument, Routine
from localgcp.bigquery.catalog.schema import Field

INTEGER, FLOAT = Field("", "INTEGER"), Field("", "FLOAT")
TEXT, BYTES = Field("", "STRING"), Field("", "BYTES")


def function(
    name: str, arguments: str, body: str, returns: Field | None = None, kind: str = "SCALAR"
) -> Routine:
    """A function of ANY TYPEs; words after `/` are constants of an aggregate, an INT64 each.

    `word:BYTES` is of that type; `word=5` and `word='x'` may be left out.
    """
    values, _, constants = arguments.partition("/")
    listed = [_argument(word, aggregate=True) for word in values.split()]
    listed += [_argument(word, aggregate=False) for word in constants.split()]
    return Routine(kind, tuple(name.split(".")), tuple(listed), returns, body)


def aggregate(name: str, arguments: str, body: str, returns: Field | None = None) -> Routine:
    """An aggregate function."""
    return function(name, arguments, body, returns, "AGGREGATE")


def _argument(word: str, *, aggregate: bool) -> Argument:
    name, _, default = word.partition("=")
    name, _, kind = name.partition(":")
    if default.startswith("'"):
        return Argument(name, TEXT, aggregate, default=default.strip("'"))
    if default:
        return Argument(name, INTEGER, aggregate, default=int(default))
    if kind:
        return Argument(name, Field("", kind), aggregate)
    return Argument(name, None if aggregate else INTEGER, aggregate)
