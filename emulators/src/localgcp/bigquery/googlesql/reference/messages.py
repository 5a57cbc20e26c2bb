"""What the caller and the worker send each other: plain data, pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """A table as a statement names it; `hidden` columns are found by name, not by `*`."""

    path: Path
    fields: tuple[Field, ...]
    hidden: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement is analyzed against. Positional parameters have no name."""

    sql: str
    tables: tuple[TableShape, ...] = ()
    parameters: tuple[tuple[str, Field], ...] = ()
    variables: Variables = ()


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
    """Asks for an Arrow table: the rows of a query over `contents`, one a scan of the analysis."""

    shape: Shape
    analysis: Analysis
    contents: tuple[pa.Table, ...]
    values: tuple[object, ...] = ()


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
    letters.
    """

    kind: str
    fields: tuple[Field, ...] = ()
    scans: tuple[Scan, ...] = ()
    value_table: bool = False
    types: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()


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


@dataclass(frozen=True, slots=True)
class Run:
    """Any statement that is not the procedural language's."""

    sql: str


@dataclass(frozen=True, slots=True)
class Declare:
    """DECLARE: variables of a type, or of that of their default."""

    names: tuple[str, ...]
    type: str | None
    default: str | None


@dataclass(frozen=True, slots=True)
class Assign:
    """SET of one variable, or of several from the members of a STRUCT (not `whole`)."""

    names: tuple[str, ...]
    expression: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class If:
    """IF, ELSEIF, ELSE: each branch is a condition and its steps."""

    branches: tuple[tuple[str, tuple[Step, ...]], ...]
    last: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class While:
    """WHILE, LOOP (no condition) and REPEAT (`until`)."""

    condition: str | None
    body: tuple[Step, ...]
    until: str | None = None


@dataclass(frozen=True, slots=True)
class For:
    """FOR name IN (query)."""

    name: str
    query: str
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """BEGIN and END; `handler` are the steps of EXCEPTION WHEN ERROR."""

    body: tuple[Step, ...]
    handler: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class Jump:
    """BREAK, CONTINUE or RETURN."""

    kind: str


@dataclass(frozen=True, slots=True)
class Raise:
    """RAISE; without a message it raises again what a handler is at."""

    message: str | None


@dataclass(frozen=True, slots=True)
class Execute:
    """EXECUTE IMMEDIATE; `using` are names, empty for positional ones, and expressions."""

    sql: str
    into: tuple[str, ...]
    using: tuple[tuple[str, str], ...]


Step = Run | Declare | Assign | If | While | For | Block | Jump | Raise | Execute
Request = NamesOf | QueryWithin | DepthOf | TargetOf | ChangesOf | StepsOf | Analyze | Evaluate
