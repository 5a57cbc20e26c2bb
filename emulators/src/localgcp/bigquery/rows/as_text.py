"""INTERVAL and RANGE as rows bring them: the text that BigQuery shows."""

from __future__ import annotations

import re
from collections.abc import Callable

FORMS = {
    "INTERVAL": re.compile(r"-?\d+-\d+ -?\d+ -?\d+:\d+:\d+(\.\d{1,6})?"),
    "RANGE": re.compile(r"\[\S.*, \S.*\)"),
}


def reader(kind: str, error: Callable[[str, str], Exception]) -> Callable[[object, str], str]:
    """Reads the text itself; for any other raises `error` of the path and what is wrong."""
    form = FORMS[kind]

    def read(raw: object, path: str) -> str:
        if not isinstance(raw, str) or not form.fullmatch(raw):
            raise error(path, f"Invalid {kind} value: {raw}")
        return raw

    return read
