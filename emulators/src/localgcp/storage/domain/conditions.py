"""Preconditions: what a request demands of an object before it is done.

By the pages "Request preconditions" and, for each method, "Objects" of the JSON API. A generation
of 0 means that there is no live object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localgcp.storage.errors import Invalid, NotModified, PreconditionFailed

_NAMES = (
    "ifGenerationMatch",
    "ifGenerationNotMatch",
    "ifMetagenerationMatch",
    "ifMetagenerationNotMatch",
)


@dataclass(frozen=True)
class State:
    """An object as conditions see it; both are 0 where there is none."""

    generation: int = 0
    metageneration: int = 0


@dataclass(frozen=True)
class Conditions:
    """The four conditions on one object, each None where it is not given."""

    given: Mapping[str, int]
    generation: int | None = None
    """The generation that the request asks for, if it names one."""

    @classmethod
    def of(cls, query: Mapping[str, str], source: bool = False) -> Conditions:
        """From a query; with `source`, those on a copy's source. Raises Invalid."""
        given: dict[str, int] = {}
        for name in _NAMES:
            field = name.replace("if", "ifSource", 1) if source else name
            if query.get(field):
                given[name] = _whole(field, query[field])
        field = "sourceGeneration" if source else "generation"
        generation = _whole(field, query[field]) if query.get(field) else None
        return cls(given, generation)

    def __bool__(self) -> bool:
        return bool(self.given) or self.generation is not None

    def check(self, state: State, reading: bool = False) -> None:
        """Hold the conditions against the state.

        Raises PreconditionFailed, or NotModified for a read that asks for news.
        """
        for name, expected in self.given.items():
            actual = state.metageneration if "Meta" in name else state.generation
            if name.endswith("NotMatch"):
                if actual == expected:
                    if reading:
                        raise NotModified(f"{name}={expected}")
                    raise PreconditionFailed(name, expected, actual)
            elif actual != expected:
                raise PreconditionFailed(name, expected, actual)


def _whole(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Invalid(field, text, "it is a whole number")
    return int(text)
