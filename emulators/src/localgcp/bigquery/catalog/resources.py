"""Reading the API's resources: the same few checks for datasets and tables."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from localgcp.bigquery.errors import BadValue, MissingField, NotSupported


def required(resource: Mapping[str, Any], key: str, name: str) -> Any:
    """The value of `key`. Raises MissingField calling it `name`."""
    value = resource.get(key)
    if value in (None, ""):
        raise MissingField(name)
    return value


def check_id(what: str, value: str, pattern: re.Pattern[str]) -> None:
    """Hold an id against its pattern. Raises BadValue unless the whole of `value` matches."""
    if not pattern.fullmatch(value):
        raise BadValue(what, value, f"must match {pattern.pattern}")


def check_keys(
    what: str, resource: Mapping[str, Any], known: Iterable[str], refused: Iterable[str]
) -> None:
    """Hold a resource's keys against those of its kind.

    Raises NotSupported for a refused key that says something, BadValue for an unknown one.
    """
    for key, value in resource.items():
        if key in refused:
            if value:
                raise NotSupported(f"{key} of a {what}", key)
        elif key not in known:
            raise BadValue(key, value, f"no such property of a {what}")


def integer(value: Any, name: str) -> int:
    """An int64, which JSON carries as text. Raises BadValue."""
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise BadValue(name, value, "not an integer") from error


def duration(resource: Mapping[str, Any], key: str, default: int | None) -> int | None:
    """Milliseconds under `key`: absent gives the default, null or 0 none. Raises BadValue."""
    if key not in resource:
        return default
    return integer(resource[key] or 0, key) or None


def merge_labels(labels: Mapping[str, str], resource: Mapping[str, Any]) -> dict[str, str]:
    """Labels after a patch: a null value takes that label away. Raises BadValue."""
    if "labels" not in resource:
        return dict(labels)
    patch = resource["labels"] or {}
    for key, value in patch.items():
        if value is not None and not isinstance(value, str):
            raise BadValue(f"labels.{key}", value, "a label's value is text")
    merged = {**labels, **patch} if patch else {}
    return {key: value for key, value in merged.items() if value is not None}


def text(value: int | None) -> str | None:
    """An int64 as the API writes it."""
    return None if value is None else str(value)


def etag(resource: Mapping[str, Any]) -> str:
    """A short digest of a resource's JSON."""
    body = json.dumps(resource, sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()[:24]
