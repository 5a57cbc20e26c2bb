"""What the caller and the worker send each other: plain data, pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.catalog.schema import Field

if TYPE_CHECKING:
    import pyarrow as pa

Path = tuple[str, ...]
Variables = tuple[tuple[str, Field, object], ...]  # name, type, value
ROW = "_localgcp_row"  # the hidden column that numbers a table's rows
# What the worker says of itself before it answers.
COMPILING, READY = "compiling", "ready"
# Of google.rpc.Code: what is wrong as it stands, and what the evaluator does not do.
INVALID_ARGUMENT, UNIMPLEMENTED, INTERNAL = 3, 12, 13


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as a statement names it; `hidden` columns are found by name, not by `*`.

    One `within` a routine's body has a name of its own, that of the body's text.
    """

    path: Path
    fields: tuple[Field, ...]
    hidden: tuple[Field, ...] = ()
    within: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """What a CREATE FUNCTION, TABLE FUNCTION or PROCEDURE says; `mode` is OR_REPLACE and so on."""

    routine: Routine
    mode: str
    temporary: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement is analyzed against. Positional parameters have no name."""

    sql: str
    tables: tuple[TableShape, ...] = ()
    parameters: tuple[tuple[str, Field], ...] = ()
    variables: Variables = ()
    routines: tuple[Routine, ...] = ()


@dataclass(frozen=True, slots=True)
class CreatedBy:
    """Asks for a `Created`: what a CREATE of a routine makes."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class NamesOf:
    """Asks for the tables that a statement names: a list of paths."""

    sql: str


@dataclass(frozen=True, slots=True)
class QueryWithin:
    """Asks where the query of a CREATE or an INSERT begins, in bytes."""

    sql: str


@dataclass(frozen=True, slots=True)
class DepthOf:
    """Asks for a query for the iterations of a statement's recursive CTEs, up to one too many."""

    sql: str


@dataclass(frozen=True, slots=True)
class TargetOf:
    """Asks for the path of the table that a DML statement changes."""

    sql: str


@dataclass(frozen=True, slots=True)
class ChangesOf:
    """Asks for a DML statement as queries: a list of `Change`. `columns` are its table's."""

    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One action of a DML statement and the query for its rows.

    An INSERT's columns are `names`; an UPDATE's are the row's number, then `names`; a DELETE's is
    the number alone.
    """

    action: str
    sql: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analyze:
    """Asks for an `Analysis`."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Asks for an Arrow table: the rows of a query over `contents`, one a scan of the analysis.

    `libraries` are URIs that functions in JavaScript name, and the code there.
    """

    shape: Shape
    analysis: Analysis
    contents: tuple[pa.Table, ...]
    values: tuple[object, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """One place where a statement reads a table: bytes `start` to `end` of its text."""

    start: int
    end: int
    table: int
    alias: str
    columns: frozenset[int]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the analyzer says of a statement; `fields` are a query's columns.

    `types` are those of its columns and expressions, by the API's names; `functions` are in small
    letters. `reckons` tells what it does with a BIGNUMERIC that the bytes of one don't do as well.
    """

    kind: str
    fields: tuple[Field, ...] = ()
    scans: tuple[Scan, ...] = ()
    value_table: bool = False
    types: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    reckons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failed:
    """The statement is wrong, or failed (`code` is one of google.rpc.Code)."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The instance is gone, by a failed check within or for want of memory."""

    why: str


@dataclass(frozen=True, slots=True)
class StepsOf:
    """Asks for a script as steps."""

    sql: str


Request = (
    NamesOf
    | QueryWithin
    | DepthOf
    | TargetOf
    | ChangesOf
    | StepsOf
    | CreatedBy
    | Analyze
    | Evaluate
)
