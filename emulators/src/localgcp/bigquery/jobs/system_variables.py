"""@@ names: what a script and its project say of themselves, as literals in a statement."""

from __future__ import annotations

import re
from collections.abc import Mapping

from localgcp.bigquery.errors import SqlNotSupported

_TOKEN = re.compile(
    r"""(?sx)'''(?:\\.|.)*?''' | \"\"\"(?:\\.|.)*?\"\"\" | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*"
    | `[^`]*` | \#[^\n]* | --[^\n]* | /\*.*?\*/
    | @@(?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)"""
)
Values = Mapping[str, str | int | None]


def written(sql: str, values: Values) -> str:
    """The statement with a literal for each name. Raises SqlNotSupported for one without value."""
    if "@@" not in sql:
        return sql

    def literal(token: re.Match[str]) -> str:
        if token["name"] is None:
            return token[0]
        name = re.sub(r"\s", "", token["name"]).lower()
        if name not in values:
            raise SqlNotSupported(f"system variable @@{name}")
        return literal_of(values[name])

    return _TOKEN.sub(literal, sql)


def literal_of(value: str | int | None) -> str:
    """GoogleSQL's text for a value."""
    if value is None:
        return "CAST(NULL AS STRING)"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
