"""NUMERIC and BIGNUMERIC as rows bring them: numbers, or their texts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation

from localgcp.bigquery.catalog import bignumeric as packing

Failure = Callable[[str, str], Exception]

_WHOLE, _PLACE, _DIGITS = 29, Decimal("1e-9"), Context(prec=40)  # of a NUMERIC


def numeric(error: Failure) -> Callable[[object, str], Decimal]:
    """Reads a NUMERIC; for any other raises `error` of the path and what is wrong."""

    def read(raw: object, path: str) -> Decimal:
        value = _number(raw)
        fits = value.is_finite() and abs(value) < 10**_WHOLE
        if not fits or value != value.quantize(_PLACE, context=_DIGITS):
            raise error(path, f"Invalid NUMERIC value: {raw}")
        return value

    return read


def bignumeric(error: Failure) -> Callable[[object, str], bytes]:
    """Reads a BIGNUMERIC into its bytes; for any other raises `error`."""

    def read(raw: object, path: str) -> bytes:
        try:
            return packing.packed(_number(raw))
        except ValueError as reason:
            raise error(path, f"Invalid BIGNUMERIC value: {raw}") from reason

    return read


def _number(raw: object) -> Decimal:
    """NaN for what is none; Python reads 1_000 as one, BigQuery does not."""
    text = str(raw)
    try:
        return Decimal("NaN" if isinstance(raw, bool) or "_" in text else text)
    except InvalidOperation:
        return Decimal("NaN")
