"""The parameters of types: STRING(L), BYTES(L), NUMERIC(P) and NUMERIC(P, S)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.errors import BadValue, NotSupported

# Parameterized data types, "Parameterized decimal type": S is at most 9, P - S at most 29.
MAX_SCALE, MAX_WHOLE = 9, 29
_SIZED = {"STRING": "length", "BYTES": "octet_length"}

Parameters = tuple[int | None, int | None, int | None]


def parse(resource: Mapping[str, Any], name: str, kind: str, path: str) -> Parameters:
    """maxLength, precision and scale of a field. Raises BadValue, NotSupported."""
    length, precision, scale = (
        _positive(resource.get(key), f"{path}.{key}") for key in ("maxLength", "precision", "scale")
    )
    if length is not None and kind not in _SIZED:
        raise BadValue(f"{path}.maxLength", length, f"{name} is neither STRING nor BYTES")
    if precision is None and scale is None:
        return length, None, None
    if kind == "BIGNUMERIC":
        raise NotSupported(f"precision of the BIGNUMERIC field {name}", f"{path}.precision")
    if kind != "NUMERIC" or precision is None:
        raise BadValue(f"{path}.precision", precision, f"{name}: a precision, of a NUMERIC")
    check_numeric(precision, scale or 0, f"{path}.precision")
    return length, precision, scale


def check_numeric(precision: int, scale: int, path: str) -> None:
    """Refuse a NUMERIC(P, S) that there is none of. Raises BadValue."""
    if scale > MAX_SCALE or not max(1, scale) <= precision <= scale + MAX_WHOLE:
        wanted = f"NUMERIC(P, S): S from 0 to {MAX_SCALE}, P from S to S + {MAX_WHOLE}"
        raise BadValue(path, f"({precision}, {scale})", wanted)


def check(name: str, kind: str, length: int | None) -> str:
    """The constraint of a quoted column, by which DuckDB refuses what is too long."""
    return "" if length is None else f" CHECK ({_SIZED[kind]}({name}) <= {length})"


def _positive(value: Any, path: str) -> int | None:
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise BadValue(path, value, "not an integer") from error
    if number < 0 or (number == 0 and not path.endswith(".scale")):
        raise BadValue(path, value, "not positive")
    return number
