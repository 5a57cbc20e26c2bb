"""What the caller and the worker send each other: plain data, pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.schema import Field

if TYPE_CHECKING:
    import pyarrow as pa

Path = tuple[str, ...]
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
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamesOf:
    """Asks for the tables that a statement names: a list of paths."""

    sql: str


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

    `types` are those of its columns and expressions, by the API's names.
    """

    kind: str
    fields: tuple[Field, ...] = ()
    scans: tuple[Scan, ...] = ()
    value_table: bool = False
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failed:
    """The statement is wrong, or failed (`code` is one of google.rpc.Code)."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The instance is gone, by a failed check within or for want of memory."""

    why: str


Request = NamesOf | Analyze | Evaluate
