"""3 · A row and a column that its table lacks come in; whether the row needs it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.record import Row


def carries(row: Row, path: str) -> bool:
    """Whether the row has a value at a dotted path that was not just left out by its producer.

    NULL, no items, and the type's own default for the field are no value. In an array each item
    counts.
    """
    return _carried(row.values, path.split("."), row.defaults.get(path))


def _carried(value: Any, steps: list[str], default: Any) -> bool:
    if isinstance(value, list) and steps:
        return any(_carried(item, steps, default) for item in value)
    if steps:
        return isinstance(value, dict) and _carried(value.get(steps[0]), steps[1:], default)
    return value is not None and value != [] and value != default


def without(values: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A copy of a row's values that lacks what is at the dotted paths, in each item of an array."""
    for path in paths:
        values = _without(values, path.split("."))
    return values


def _without(value: Any, steps: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, steps) for item in value]
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    if len(steps) == 1:
        return {name: each for name, each in value.items() if name != steps[0]}
    return {**value, steps[0]: _without(value[steps[0]], steps[1:])}
