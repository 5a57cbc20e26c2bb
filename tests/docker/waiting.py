"""Waits for what a stack in containers does."""

from __future__ import annotations

from collections.abc import Callable

from tests.docker.compose import patience
from tests.e2e import conftest


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask again until it holds; fails naming what was waited for.

    `seconds` are those of an idle machine, many times over.
    """
    conftest.until(condition, seconds * patience(), what)
