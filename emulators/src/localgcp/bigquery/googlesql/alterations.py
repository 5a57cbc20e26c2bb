"""ALTER and the schemas' statements: what a parsed one asks for, in the API's own terms.

The names of options are those of "Data definition language (DDL) statements in GoogleSQL".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.types import column_of, field_of

DAY_MS = 86_400_000
ValueOf = Callable[[exp.Expr], Any]
# An option -> the key of the API's resource that holds it.
_TEXTS = {"description": "description", "friendly_name": "friendlyName", "location": "location"}
_DAYS = {
    "default_table_expiration_days": "defaultTableExpirationMs",
    "default_partition_expiration_days": "defaultPartitionExpirationMs",
    "partition_expiration_days": "partitionExpirationMs",
}


@dataclass(frozen=True, slots=True)
class SetOptions:
    """SET OPTIONS, of the thing itself or of one of its columns."""

    resource: dict[str, Any]
    column: str | None = None


@dataclass(frozen=True, slots=True)
class AddColumn:
    """ADD COLUMN."""

    field: Field
    if_absent: bool


@dataclass(frozen=True, slots=True)
class DropColumn:
    """DROP COLUMN."""

    name: str
    if_there: bool


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """RENAME COLUMN."""

    old: str
    new: str
    if_there: bool


@dataclass(frozen=True, slots=True)
class RenameTable:
    """RENAME TO."""

    new: str


@dataclass(frozen=True, slots=True)
class Relax:
    """ALTER COLUMN ... DROP NOT NULL."""

    column: str


@dataclass(frozen=True, slots=True)
class Widen:
    """ALTER COLUMN ... SET DATA TYPE."""

    field: Field


Alteration = SetOptions | AddColumn | DropColumn | RenameColumn | RenameTable | Relax | Widen


def read_again(sql: str) -> exp.Alter | None:
    """An ALTER that SQLGlot does not know as a whole: its actions are read one by one.

    It knows neither ALTER SCHEMA nor a column's options, and no mixture of actions. None if the
    text is something else.
    """
    tokens = sqlglot.tokenize(sql, read="bigquery")
    words = [token.text.upper() for token in tokens]
    if words[:1] != ["ALTER"] or words[1:2] not in (["SCHEMA"], ["TABLE"], ["VIEW"]):
        return None
    first = next((at for at in range(3, len(words)) if _begins_action(words, at)), None)
    if first is None:
        return None
    kind = words[1]
    known = "VIEW" if kind == "SCHEMA" else kind
    header = f"ALTER {known} {sql[tokens[2].start : tokens[first].start]}"
    read = [_action(header, sql, tokens[start:end]) for start, end in _parts(words, first)]
    if not read or None in read:
        return None
    whole = sqlglot.parse_one(f"{header} SET OPTIONS(description='')", read="bigquery")
    assert isinstance(whole, exp.Alter)
    whole.set("kind", kind)
    whole.set("actions", read)
    return whole


def _begins_action(words: list[str], at: int) -> bool:
    return words[at] in ("ADD", "ALTER", "DROP", "RENAME", "SET") and words[at - 1] != "."


def _parts(words: list[str], first: int) -> Iterator[tuple[int, int]]:
    """Where each action begins and ends: a comma within brackets divides none."""
    round_, angle, start = 0, 0, first
    for at in range(first, len(words)):
        round_ += (words[at] in "([") - (words[at] in ")]")
        angle += 0 if round_ else words[at].count("<") - words[at].count(">")
        if words[at] == "," and not round_ and not angle:
            yield start, at
            start = at + 1
    yield start, len(words) - (words[-1] == ";")


def _action(header: str, sql: str, tokens: list[Token]) -> exp.Expr | None:
    """One action by itself. A column's options are read as the table's own, and marked."""
    words, column = [token.text.upper() for token in tokens], None
    if words[:2] == ["ALTER", "COLUMN"] and "OPTIONS" in words:
        place = words.index("OPTIONS") - 1
        column, tokens = tokens[place - 1].text, tokens[place:]
    text = sql[tokens[0].start : tokens[-1].end + 1] if tokens else ""
    try:
        tree = sqlglot.parse_one(f"{header} {text}", read="bigquery")
    except ParseError:
        return None
    if not isinstance(tree, exp.Alter):
        return None
    action: exp.Expr = tree.args["actions"][0]
    if column is not None:
        action.set("column", column)
    return action


def alterations(tree: exp.Expr, value_of: ValueOf) -> list[Alteration]:
    """The actions of an ALTER in their order. Raises SqlNotSupported."""
    return [each for action in tree.args["actions"] for each in _read(action, value_of)]


def _read(action: exp.Expr, value_of: ValueOf) -> Iterator[Alteration]:
    match action:
        case exp.AlterSet():
            (properties,) = action.expressions
            yield SetOptions(options(properties, value_of), action.args.get("column"))
        case exp.ColumnDef():
            yield AddColumn(column_of(action), bool(action.args.get("exists")))
        case exp.Drop() if action.args.get("kind") == "COLUMN":
            for column in action.args.get("tables") or [action.this]:
                yield DropColumn(column.name, bool(action.args.get("exists")))
        case exp.RenameColumn():
            there = bool(action.args.get("exists"))
            yield RenameColumn(action.this.name, action.args["to"].name, there)
        case exp.AlterRename():
            yield RenameTable(action.this.name)
        case exp.AlterColumn() if action.args.get("allow_null") and action.args.get("drop"):
            yield Relax(action.name)
        case exp.AlterColumn() if action.args.get("dtype"):
            yield Widen(field_of(action.name, action.args["dtype"]))
        case _:
            raise SqlNotSupported(f"ALTER ... {action.sql(dialect='bigquery')}")


def options(properties: exp.Expr | None, value_of: ValueOf) -> dict[str, Any]:
    """OPTIONS(...) as parts of a Table or a Dataset; NULL clears. Raises SqlNotSupported."""
    resource: dict[str, Any] = {}
    for option in properties.expressions if properties is not None else ():
        resource |= option_of(option, value_of)
    return resource


def option_of(option: exp.Expr, value_of: ValueOf) -> dict[str, Any]:
    """One option. Raises SqlNotSupported for those that the emulator would not keep."""
    if isinstance(option, exp.LocationProperty):
        return {"location": option.this.name}
    if type(option) is not exp.Property:
        raise SqlNotSupported(f"{option.sql(dialect='bigquery')} in a definition")
    name, value = option.name.lower(), option.args["value"]
    if name == "labels":
        return {"labels": _labels(value)}
    if name in _TEXTS:
        return {_TEXTS[name]: value_of(value)}
    if name in _DAYS:
        days = value_of(value)
        return {_DAYS[name]: None if days is None else str(int(float(days) * DAY_MS))}
    if name == "require_partition_filter":
        return {"requirePartitionFilter": bool(value_of(value))}
    if name == "expiration_timestamp":
        return {"expirationTime": _milliseconds(value_of(value))}
    if name == "max_time_travel_hours":
        return {"maxTimeTravelHours": str(value_of(value))}
    if name == "storage_billing_model":
        return {"storageBillingModel": str(value_of(value)).upper()}
    raise SqlNotSupported(f"option {name}")


def _labels(value: exp.Expr) -> dict[str, str]:
    if isinstance(value, exp.Null):
        return {}
    if not isinstance(value, exp.Array):
        raise SqlNotSupported(f"labels given as {value.sql(dialect='bigquery')}")
    pairs = [[part.name for part in pair.expressions] for pair in value.expressions]
    if any(len(pair) != 2 for pair in pairs):
        raise InvalidQuery("labels want pairs of texts: [('key', 'value')]", "query")
    return {pair[0]: pair[1] for pair in pairs}


def _milliseconds(moment: datetime | None) -> str | None:
    return None if moment is None else str(int(moment.timestamp() * 1000))
