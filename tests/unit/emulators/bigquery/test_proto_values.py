"""What a column takes of protobuf's types, by the Storage Write API's table of conversions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as Kind

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.rows.reader import RowError
from localgcp.bigquery.streams.proto_values import converter

NOON = (12 << 32) | (34 << 26) | (56 << 20) | 7
CHRISTMAS = (2026 << 46) | (12 << 42) | (25 << 37) | NOON


@pytest.mark.parametrize(
    ("column", "kind", "value", "expected"),
    [
        ("STRING", Kind.TYPE_STRING, "a", "a"),
        ("INTEGER", Kind.TYPE_INT64, -5, -5),
        ("FLOAT", Kind.TYPE_INT32, 2, 2.0),
        ("BOOLEAN", Kind.TYPE_INT64, 2, True),
        ("BYTES", Kind.TYPE_STRING, "é", "é".encode()),
        ("DATE", Kind.TYPE_INT32, -1, date(1969, 12, 31)),
        ("DATE", Kind.TYPE_STRING, "2026-11-25", date(2026, 11, 25)),
        ("TIMESTAMP", Kind.TYPE_INT64, -1, datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)),
        ("TIME", Kind.TYPE_INT64, NOON, time(12, 34, 56, 7)),
        ("DATETIME", Kind.TYPE_INT64, CHRISTMAS, datetime(2026, 12, 25, 12, 34, 56, 7)),
        ("NUMERIC", Kind.TYPE_STRING, "1.5", Decimal("1.5")),
        ("NUMERIC", Kind.TYPE_DOUBLE, 0.1, Decimal("0.1")),
        ("NUMERIC", Kind.TYPE_BYTES, (-1_500_000_000).to_bytes(8, "little", signed=True), -1.5),
        ("JSON", Kind.TYPE_STRING, '{"a": 1}', '{"a": 1}'),
    ],
)
def test_a_value_becomes_what_its_column_holds(
    column: str, kind: int, value: Any, expected: Any
) -> None:
    convert = converter(Field("f", column), kind)
    assert convert is not None
    assert convert(value, "f") == expected


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("INTEGER", Kind.TYPE_UINT64, 2**63),
        ("DATE", Kind.TYPE_INT32, 2**31 - 1),
        ("TIMESTAMP", Kind.TYPE_INT64, 2**63 - 1),
        ("TIME", Kind.TYPE_INT64, 25 << 32),
        ("DATETIME", Kind.TYPE_INT64, NOON),
        ("NUMERIC", Kind.TYPE_STRING, "x"),
        ("JSON", Kind.TYPE_STRING, "{"),
    ],
)
def test_a_value_out_of_range_is_a_wrong_row(column: str, kind: int, value: Any) -> None:
    convert = converter(Field("f", column), kind)
    assert convert is not None
    with pytest.raises(RowError):
        convert(value, "f")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("STRING", Kind.TYPE_INT64),
        ("INTEGER", Kind.TYPE_DOUBLE),
        ("BYTES", Kind.TYPE_INT64),
        ("BOOLEAN", Kind.TYPE_DOUBLE),
    ],
)
def test_other_types_do_not_fit(column: str, kind: int) -> None:
    assert converter(Field("f", column), kind) is None
