"""A routine as it was made: a function, a table function or a procedure."""

from __future__ import annotations

from dataclasses import dataclass

from localgcp.bigquery.catalog.schema import Field


@dataclass(frozen=True, slots=True)
class Argument:
    """A routine's argument; ANY TYPE has no type, a TABLE is a `relation`.

    One with a `default` may be left out, and be given by its name.
    """

    name: str
    type: Field | None = None
    aggregate: bool = True
    mode: str = "IN"
    relation: bool = False
    default: int | str | None = None


@dataclass(frozen=True, slots=True)
class BodyRead:
    """A table that a body names: bytes `start` to `end` of it."""

    start: int
    end: int
    path: tuple[str, ...]
    named: bool  # whether it has an alias


@dataclass(frozen=True, slots=True)
class Routine:
    """A function (SCALAR, AGGREGATE), TABLE function or PROCEDURE.

    `signature` is the analyzer's, of a routine that was created; `reads` are the tables of `body`.
    One in JavaScript may say its `determinism` (DETERMINISTIC, NOT_DETERMINISTIC), and runs after
    the code of its `libraries`, which are URIs.
    """

    kind: str
    path: tuple[str, ...]
    arguments: tuple[Argument, ...]
    returns: Field | None
    body: str
    language: str = "SQL"
    signature: bytes = b""
    reads: tuple[BodyRead, ...] = ()
    determinism: str = ""
    libraries: tuple[str, ...] = ()
