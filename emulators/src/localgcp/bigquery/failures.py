"""The one place where a failure of DuckDB or Arrow becomes a domain error, at whatever stage.

What the statement or the data is to blame for is the client's error. A full disk is nobody's, and
passes: it is `Unavailable`. DuckDB's failures in the middle of a result reach us through Arrow, as
an OSError that holds DuckDB's text, so the text decides as well as the class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from localgcp.bigquery.errors import (
    BigQueryError,
    MatchedTwice,
    QueryCancelled,
    QueryFailed,
    ResourcesExceeded,
    SqlNotSupported,
    Unavailable,
)

INVALIDATED = "has been invalidated"
_FULL = ("No space left on device", "Disk quota exceeded", "Input/output error", INVALIDATED)
_REFUSED = re.compile(r"not supported by the emulator: ([^']*)")
_TOO_LONG = re.compile(r"CHECK constraint failed .*\((length|octet_length)\((.+)\) <= (\d+)\)")
_TWICE = "cannot affect the same target row more than once"
_PREFIX = re.compile(r"^[A-Z][\w ]* Error: ")


@contextmanager
def told() -> Iterator[None]:
    """Raise what `translate` makes of an exception from within; any other passes."""
    try:
        yield
    except BigQueryError:
        raise
    except Exception as error:
        failure = translate(error)
        if failure is None:
            raise
        raise failure from error


def translate(error: BaseException) -> BigQueryError | None:
    """The domain's error for one of DuckDB, Arrow or a conversion; None for any other."""
    if not _is_engine(error):
        return None
    text = str(error)
    if any(reason in text for reason in _FULL):
        return Unavailable(_first_line(text))
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or "Out of Memory" in text:
        return ResourcesExceeded(_first_line(text))
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT Error" in text:
        return QueryCancelled()
    long = _TOO_LONG.search(text)
    if long:
        kind = "STRING" if long[1] == "length" else "BYTES"
        name, limit = long[2].strip('"'), long[3]
        return QueryFailed(f"Field {name}: {kind}({limit}) has maximum length {limit}")
    if _TWICE in text:
        return MatchedTwice()
    refused = _REFUSED.search(text)
    if refused:
        return SqlNotSupported(refused[1].splitlines()[0])
    if isinstance(error, OverflowError | ValueError) and not isinstance(error, duckdb.Error):
        return QueryFailed(f"A value is out of range or cannot be written: {_first_line(text)}")
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return QueryFailed(f"Invalid expression: {_first_line(text)}")
    return QueryFailed(_first_line(text))


def _is_engine(error: BaseException) -> bool:
    module = type(error).__module__.partition(".")[0]
    known = isinstance(error, duckdb.Error | OSError | MemoryError | OverflowError | UnicodeError)
    return known or module == "pyarrow"


def _first_line(text: str) -> str:
    line = _PREFIX.sub("", text).split("\n", 1)[0].strip()
    return re.sub(r"\bbq_(\w+)", r"\1", line)  # our macros bear GoogleSQL's names
