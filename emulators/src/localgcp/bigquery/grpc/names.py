"""Resource names of the Storage APIs -> the domain's."""

from __future__ import annotations

import re

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BadValue, NotSupported

_TABLE = re.compile(r"projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)")
_STREAM = re.compile(_TABLE.pattern + r"(?:/streams/([^/]+)|/(_default))")
_PROJECT = re.compile(r"projects/([^/]+)")


def table_of(text: str, where: str) -> Name:
    """`projects/P/datasets/D/tables/T`. Raises BadValue, NotSupported for a decorator."""
    match = _TABLE.fullmatch(text)
    if match is None:
        raise BadValue(where, text, "projects/P/datasets/D/tables/T")
    return _name(match, where)


def stream_of(text: str, where: str) -> tuple[Name, str]:
    """`TABLE/streams/S`; the default one is `TABLE/_default`, too.

    Raises what `table_of` raises.
    """
    match = _STREAM.fullmatch(text)
    if match is None:
        raise BadValue(where, text, "projects/P/datasets/D/tables/T/streams/S")
    return _name(match, where), match[4] or match[5]


def project_of(text: str, where: str) -> str:
    """`projects/P`. Raises BadValue."""
    match = _PROJECT.fullmatch(text)
    if match is None:
        raise BadValue(where, text, "projects/P")
    return match[1]


def _name(match: re.Match[str], where: str) -> Name:
    if "$" in match[3] or "@" in match[3]:
        raise NotSupported(f"the decorated table {match[3]}", where)
    return Name(match[1], match[2], match[3])
