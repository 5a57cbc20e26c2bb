"""One call of the API: what its path, its query and its body say, and the pages it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, NotSupported

_UNSPECIFIED = "TIMESTAMP_OUTPUT_FORMAT_UNSPECIFIED"


@dataclass(frozen=True, slots=True)
class MethodCall:
    """One request, whatever carried it."""

    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    if_match: str | None = None
    media: bytes | None = None

    @property
    def name(self) -> Name:
        """The table that the path names."""
        return Name(self.path["project"], self.path["dataset"], self.path["table"])

    def number(self, key: str, default: int) -> int:
        """A query parameter as a number. Raises BadValue."""
        text = self.query.get(key)
        value = resources.integer(text, key) if text not in (None, "") else default
        if value < 0:
            raise BadValue(key, text, "negative")
        return value


def plain(name: Name) -> Name:
    """A table itself, no partition or snapshot of it. Raises NotSupported."""
    name, partition = undecorated(name)
    if partition is not None:
        raise NotSupported(f"partition decorator ${partition} in this method", "tableId")
    return name


def undecorated(name: Name) -> tuple[Name, str | None]:
    """A table and the id of a partition of it, `t$20240115`. Raises NotSupported for `t@TIME`."""
    if "@" in name.table:
        raise NotSupported(f"time travel by a decorator, {name.table}", "tableId")
    table, decorated, partition = name.table.partition("$")
    return replace(name, table=table), partition if decorated else None


def int64_timestamps(call: MethodCall) -> bool:
    """Whether a query string asks for TIMESTAMPs as microseconds. Raises what `as_int64` raises."""
    prefix = "formatOptions."
    return as_int64({k.removeprefix(prefix): v for k, v in call.query.items() if prefix in k})


def as_int64(options: Mapping[str, Any]) -> bool:
    """Whether DataFormatOptions ask for microseconds. Raises BadValue, NotSupported."""
    plain_flag = str(options.get("useInt64Timestamp", "")).lower() == "true"
    form = options.get("timestampOutputFormat") or _UNSPECIFIED
    if form == "ISO8601_STRING":
        raise NotSupported(f"timestampOutputFormat {form}", "formatOptions.timestampOutputFormat")
    if form not in (_UNSPECIFIED, "FLOAT64", "INT64") or (plain_flag and form == "FLOAT64"):
        why = "FLOAT64 or INT64, the latter if useInt64Timestamp is set"
        raise BadValue("formatOptions.timestampOutputFormat", form, why)
    return plain_flag or form == "INT64"


def label_filter(call: MethodCall) -> Callable[[Mapping[str, str]], bool]:
    """What a list's filter asks of labels: `labels.KEY[:VALUE]`, spaces between. Raises BadValue.

    Source: datasets.list, filter.
    """
    terms = call.query.get("filter", "").split()
    if wrong := [term for term in terms if not term.startswith("labels.")]:
        raise BadValue("filter", wrong[0], "a term is labels.KEY or labels.KEY:VALUE")
    pairs = [term.removeprefix("labels.").partition(":") for term in terms]

    def matches(labels: Mapping[str, str]) -> bool:
        return all(k in labels and (not colon or labels[k] == v) for k, colon, v in pairs)

    return matches


def some(resource: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The part of a resource that a list shows."""
    return {key: resource[key] for key in keys if key in resource}


def page_of(call: MethodCall, key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list, with the token of the next."""
    start, size = call.number("pageToken", 0), call.number("maxResults", 1000) or 1000
    page: dict[str, Any] = {key: rows[start : start + size]}
    return page | ({"nextPageToken": str(start + size)} if start + size < len(rows) else {})
