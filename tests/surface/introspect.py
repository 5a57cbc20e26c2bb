"""What a library offers, and which of it has a case."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import getattr_static
from types import CodeType, ModuleType
from typing import Any, TypeVar

Owner = type | ModuleType
Case = TypeVar("Case", bound=Callable[..., object])

_MARK = "covered_by_surface_case"


def public(owner: Owner) -> frozenset[str]:
    """The public methods, properties and attributes of a class, its bases' too.

    Of a module: what it exports.
    """
    if isinstance(owner, ModuleType):
        return frozenset(getattr(owner, "__all__", None) or _public(vars(owner)))
    return frozenset(_public(name for base in owner.__mro__ for name in vars(base)))


def covers(owner: Owner, *names: str) -> Callable[[Case], Case]:
    """Mark a test function as the case of these names; may be given several times.

    Raises LookupError for a name that the owner lacks, or that the function does not use: it must
    stand in its body, as an attribute, an argument or a text.
    """
    if unknown := set(names) - public(owner):
        raise LookupError(f"{owner.__name__} has no {', '.join(sorted(unknown))}")

    def mark(case: Case) -> Case:
        if idle := set(names) - set(_words(case.__code__)):
            raise LookupError(f"{case.__name__} does not use {', '.join(sorted(idle))}")
        marks: set[tuple[Owner, str]] = vars(case).setdefault(_MARK, set())
        marks.update((owner, name) for name in names)
        return case

    return mark


def uncovered(owner: Owner, package: str) -> list[str]:
    """The owner's public names without a case in the modules of a package, sorted.

    A case of a base class is one of the owner, too, where the owner inherits the name as it is.
    """
    found: set[str] = set()
    for info in pkgutil.iter_modules(import_module(package).__path__):
        for value in vars(import_module(f"{package}.{info.name}")).values():
            for marked, name in getattr(value, _MARK, ()):
                if marked is owner or _inherits(owner, marked, name):
                    found.add(name)
    return sorted(public(owner) - found)


def _inherits(owner: Owner, base: Owner, name: str) -> bool:
    if not (isinstance(owner, type) and isinstance(base, type) and issubclass(owner, base)):
        return False
    return getattr_static(owner, name) is getattr_static(base, name)


def _public(names: Any) -> Iterator[str]:
    return (name for name in names if not name.startswith("_"))


def _words(code: CodeType) -> Iterator[str]:
    """Every name and text in a function's body, nested functions' too."""
    yield from code.co_names
    yield from code.co_varnames
    pending: list[object] = list(code.co_consts)
    while pending:
        constant = pending.pop()
        if isinstance(constant, CodeType):
            yield from _words(constant)
        elif isinstance(constant, tuple | frozenset):
            pending.extend(constant)
        elif isinstance(constant, str):
            yield constant
