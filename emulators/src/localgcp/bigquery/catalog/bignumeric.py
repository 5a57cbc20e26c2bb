"""BIGNUMERIC as 32 bytes that sort as its numbers do, for DuckDB's decimals end at 38 digits.

The number in units of its 38th place, plus 2^255, with the big end first: so the equality, order,
groups, MIN and MAX of the bytes are those of the numbers, over all 76.76 digits of them (Data
types, "Decimal types").
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.catalog.schema import Field

WIDTH, SCALE = 32, 38
_HALF = 1 << 255
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
_LONGEST = 39  # digits before the point


def packed(value: Decimal | int) -> bytes:
    """The bytes of a number. Raises ValueError for one that is no BIGNUMERIC."""
    try:
        number = Decimal(value)
        if not number.is_finite() or (number and number.adjusted() >= _LONGEST):
            raise ValueError(value)
        units = _EXACT.scaleb(number, SCALE)
        whole = int(units)
    except DecimalException as error:
        raise ValueError(value) from error
    if whole != units:
        raise ValueError(value)
    return of_units(whole)


def of_units(units: int) -> bytes:
    """The bytes of so many units of the 38th place. Raises ValueError."""
    if not -_HALF <= units < _HALF:
        raise ValueError(units)
    return (units + _HALF).to_bytes(WIDTH, "big")


def units_of(raw: bytes) -> int:
    """The number in units of its 38th place."""
    return int.from_bytes(raw, "big") - _HALF


def unpacked(raw: bytes) -> Decimal:
    """The number."""
    return _EXACT.scaleb(Decimal(units_of(raw)), -SCALE)


def text(raw: bytes) -> str:
    """The number as BigQuery shows it: without an exponent, and with no 0 at its end."""
    units = units_of(raw)
    whole, places = divmod(abs(units), 10**SCALE)
    shown = f"{whole}.{places:0{SCALE}}".rstrip("0").rstrip(".")
    return f"-{shown}" if units < 0 else shown


def holds(fields: Iterable[Field]) -> bool:
    """Whether one of the columns, or a member of one, is a BIGNUMERIC."""
    return any(field.type == "BIGNUMERIC" or holds(field.fields) for field in fields)


def decimals(column: pa.Array) -> pa.Array:
    """The numbers as Arrow's decimal256(76, 38), the API's type.

    Arrow says that it holds 76 digits, and holds the 77th of the largest ones too.
    """
    import pyarrow as pa

    values = column.to_pylist()
    raw = b"".join(
        (0 if value is None else units_of(value)).to_bytes(WIDTH, "little", signed=True)
        for value in values
    )
    known = pa.array([value is not None for value in values], pa.bool_()).buffers()[1]
    kind = pa.decimal256(76, SCALE)
    return pa.Array.from_buffers(kind, len(values), [known, pa.py_buffer(raw)])
