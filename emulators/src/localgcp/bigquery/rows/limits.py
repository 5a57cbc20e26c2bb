"""What is too much for a STRING(L), a BYTES(L) or a NUMERIC(P, S)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from localgcp.bigquery.catalog.schema import Field

Reader = Callable[[Any, str], Any]


def within(field: Field, value: Reader, failure: Callable[[str, str], Exception]) -> Reader:
    """`value`, which reads a value at a path, held to the parameters of the field's type."""

    def read(raw: Any, path: str) -> Any:
        made = value(raw, path)
        wrong = too_much(field, made)
        if wrong is not None:
            raise failure(path, f"Field {path}: {wrong}")
        return made

    return read


def too_much(field: Field, value: object) -> str | None:
    """Why a value does not fit, in BigQuery's words; None if it does.

    A NUMERIC is rounded to its scale first, half away from zero, as DuckDB does where it is kept.
    """
    if field.length is not None and isinstance(value, str | bytes) and len(value) > field.length:
        kind = f"{field.type}({field.length})"
        got = f"but got a value with length {len(value)}"
        return f"{kind} has maximum length {field.length} {got}"
    if field.precision is not None and isinstance(value, Decimal):
        scale = field.scale or 0
        with localcontext(prec=80):
            rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** (field.precision - scale):
            kind = f"NUMERIC({field.precision}, {scale})"
            has = f"has precision {field.precision} and scale {scale}"
            return f"{kind} {has} but got a value that is not in range"
    return None
