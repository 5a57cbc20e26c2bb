"""3 · A row and a column that its table lacks come in; whether the row needs it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson

from event_types.contract import EXTRA
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


def set_aside(row: Row, paths: Iterable[str]) -> Row:
    """The row with what is at the dotted paths in its column `extra` instead, as JSON text."""
    paths = list(paths)
    extra: dict[str, Any] = orjson.loads(row.values.get(EXTRA.name) or b"{}")
    for path in paths:
        _merge(extra, _picked(row.values, path.split(".")))
    values = {**without(row.values, paths), EXTRA.name: orjson.dumps(extra).decode()}
    return replace(row, values=values)


def _picked(value: Any, steps: list[str]) -> Any:
    """What is at a path, with the names on the way to it; an array's items by their index.

    Where there is nothing, the way to it is left out too: None, or an object without names.
    """
    if not steps:
        return value
    if isinstance(value, list):
        found = {str(index): _picked(item, steps) for index, item in enumerate(value)}
    elif isinstance(value, dict):
        found = {steps[0]: _picked(value.get(steps[0]), steps[1:])}
    else:
        return None
    return {name: each for name, each in found.items() if each not in (None, {})}


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


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
