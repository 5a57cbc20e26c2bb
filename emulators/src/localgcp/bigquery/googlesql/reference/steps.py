"""A script as steps: what the procedural language says, and the text of all else."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Case:
    """CASE as a statement; `subject` is compared with each branch's value, if there is one."""

    subject: str | None
    branches: tuple[tuple[str, tuple[Step, ...]], ...]
    last: tuple[Step, ...] | None


@dataclass(frozen=True, slots=True)
class Call:
    """CALL of a procedure."""

    path: tuple[str, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transact:
    """BEGIN, COMMIT or ROLLBACK of a transaction."""

    kind: str


@dataclass(frozen=True, slots=True)
class SetSystem:
    """SET of a system variable."""

    path: tuple[str, ...]
    expression: str


Step = (
    Run
    | Declare
    | Assign
    | SetSystem
    | If
    | Case
    | While
    | For
    | Block
    | Jump
    | Raise
    | Execute
    | Call
    | Transact
)
