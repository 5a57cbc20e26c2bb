"""A statement that is asked for, and what it came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BigQueryError

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.catalog.routines import RoutineName
    from localgcp.bigquery.googlesql.parameters import Parameter
    from localgcp.bigquery.googlesql.reference.messages import Variables
    from localgcp.bigquery.googlesql.scope import Scope
    from localgcp.bigquery.jobs.pricing import Reads


class Interruptible(Protocol):
    """What works on a statement: DuckDB's cursor, or the reference evaluator's worker."""

    def interrupt(self) -> None:
        """End it."""


Watch = Callable[[Interruptible], object]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a script ran as a job of its own: a STATEMENT, or the query of an EXPRESSION.

    `text` is the script's; it has failed where there is an `error`.
    """

    text: str
    evaluation: str
    seconds: float
    outcome: Outcome | None = None
    error: BigQueryError | None = None


Tell = Callable[[Ran], object]


@dataclass(frozen=True, slots=True)
class Query:
    """One statement and where its result goes."""

    sql: str
    project: str
    dataset: str | None = None
    parameters: tuple[Parameter, ...] = ()
    destination: Name | None = None
    partition: str | None = None  # of the destination
    layout: Mapping[str, Any] = field(default_factory=dict)  # of a destination that is made
    updates: frozenset[str] = frozenset()  # schemaUpdateOptions
    write: str = "WRITE_EMPTY"
    create: str = "CREATE_IF_NEEDED"
    dry_run: bool = False
    depth: int = 0  # of views that it is within
    variables: Variables = ()  # of the script that it is part of
    scope: Scope | None = None  # of that script, or of a session
    single: bool = False  # one statement of a script, whatever its text holds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement came to.

    `rows` are those of a query without a destination; with one they are in the table `target`.
    `schema` is the project and the dataset that a statement about a schema names.
    """

    kind: str
    fields: tuple[Field, ...] = ()
    rows: pa.Table | None = None
    affected: Mapping[str, int] = field(default_factory=dict)
    target: Name | None = None
    operation: str | None = None
    routine: RoutineName | None = None
    tables: tuple[Table, ...] = ()
    schema: tuple[str, str] | None = None
    dry_run: bool = False
    reads: tuple[Reads, ...] | None = None  # of tables; None where it is not known
    script: bool = False  # then it is that of the last statement
