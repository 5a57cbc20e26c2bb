"""Dates, times and intervals."""

from __future__ import annotations

import re

from sqlglot import exp

from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.formats import parse_moment, write_moment
from localgcp.bigquery.googlesql.nodes import Rule, call, cast, number, refuse, text

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_UNITS = {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"} | {
    *("WEEK", "MONTH", "QUARTER", "YEAR"),
}


def unit_of(node: exp.Expr) -> str:
    """The date part a node names: DAY, or WEEK(MONDAY)."""
    unit = node.args.get("unit")
    if isinstance(unit, exp.WeekStart):
        return f"WEEK({unit.name.upper()})"
    return unit.name.upper() if unit is not None else "DAY"


def _coerced(node: exp.Expr, kind: str) -> exp.Expr:
    """BigQuery takes a text literal for a date or a timestamp where it wants one."""
    return cast(node, kind) if node.is_string else node


def _truncate(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        _only_utc(node.args.get("zone"))
        value, unit = _coerced(node.this, kind), unit_of(node)
        if unit.startswith("WEEK"):
            start = unit[5:-1] if "(" in unit else "SUNDAY"
            days = WEEKDAYS.index(start)
            return call("bq_trunc_week", value, number(days if days < 6 else -1))
        plain = {"ISOWEEK": "WEEK"}.get(unit, unit)
        if plain not in _UNITS:
            return refuse(f"date part {unit}")
        return call("bq_trunc_to", value, text(plain))

    return rule


def _only_utc(zone: exp.Expr | None) -> None:
    if zone is not None and zone.name.upper() not in ("UTC", "ETC/UTC", "+00:00", "+00"):
        raise SqlNotSupported(f"time zone {zone.sql(dialect='bigquery')}")


def _difference(kind: str, whole: bool) -> Rule:
    """TIMESTAMP_DIFF counts whole units (`whole`), the others the boundaries crossed."""

    def rule(node: exp.Expr) -> exp.Expr:
        end, start = _coerced(node.this, kind), _coerced(node.expression, kind)
        unit = unit_of(node)
        if unit == "ISOWEEK" and not whole:
            unit = "WEEK(MONDAY)"
        if unit.startswith("WEEK") and not whole:
            day = unit[5:-1] if "(" in unit else "SUNDAY"
            days = number(-1 if day == "SUNDAY" else WEEKDAYS.index(day))
            start, end = (call("bq_trunc_week", side, days) for side in (start, end))
            return exp.IntDiv(this=call("date_diff", text("day"), start, end), expression=number(7))
        plain = {"ISOWEEK": "WEEK"}.get(unit, unit)
        if plain not in _UNITS:
            return refuse(f"date part {unit}")
        return call("date_sub" if whole else "date_diff", text(plain), start, end)

    return rule


def _last_day(node: exp.Expr) -> exp.Expr:
    unit = node.args.get("unit")
    if unit is not None and unit.name.upper() != "MONTH":
        return refuse(f"LAST_DAY of {unit.name.upper()}")
    return call("last_day", node.this)


def interval(count: exp.Expr, unit: str) -> exp.Expr:
    """A DuckDB interval of so many units. Raises SqlNotSupported for an unknown unit."""
    if unit not in _UNITS:
        return refuse(f"date part {unit}")
    if isinstance(count, exp.Literal):
        count = number(int(count.name)) if re.fullmatch(r"-?\d+", count.name) else count
    small = unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    kind = exp.DataType.build("INT" if small else "BIGINT", dialect="duckdb")
    return call(f"to_{unit.lower()}s", exp.Cast(this=count, to=kind))


def _interval_literal(node: exp.Expr) -> exp.Expr:
    if node.this is None or not isinstance(node.args.get("unit"), exp.Var):
        return refuse(f"interval {node.sql(dialect='bigquery')}")
    return interval(node.this, unit_of(node))


def _shift(kind: str, sign: int) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        step = interval(node.expression, unit_of(node))
        value = _coerced(node.this, kind)
        return call("bq_shift", value, exp.Neg(this=exp.Paren(this=step)) if sign < 0 else step)

    return rule


def _extract(node: exp.Expr) -> exp.Expr:
    part = node.this.name.upper()
    value = _naive(node.expression)
    if isinstance(node.this, exp.WeekStart):
        part = f"WEEK({part})"
    if part in ("DATE", "TIME", "DATETIME"):
        return cast(value, part)
    formats = {"WEEK": "%U", "WEEK(SUNDAY)": "%U", "WEEK(MONDAY)": "%W"}
    if part in formats:
        return cast(call("strftime", value, text(formats[part])), "INTEGER")
    own = {"DAYOFWEEK": "dow", "ISOWEEK": "week", "DAYOFYEAR": "doy", "ISOYEAR": "isoyear"}
    if part not in own and part not in _UNITS:
        return refuse(f"EXTRACT({part})")
    found: exp.Expr = call("date_part", text(own.get(part, part)), value)
    if part == "DAYOFWEEK":
        return exp.Paren(this=exp.Add(this=found, expression=number(1)))
    if part in ("MILLISECOND", "MICROSECOND"):
        size = 1000 if part == "MILLISECOND" else 1_000_000
        return exp.Paren(this=exp.Mod(this=found, expression=number(size)))
    return found


def _naive(value: exp.Expr, zone: exp.Expr | None = None) -> exp.Expr:
    if isinstance(value, exp.Anonymous) and value.name == "timezone":
        return value  # EXTRACT(... AT TIME ZONE ...) has no zone any more
    if zone is not None:
        return call("timezone", zone, cast(value, "TIMESTAMP"))
    return cast(value, "DATETIME")


def _format(node: exp.Expr) -> exp.Expr:
    value = node.this
    if not isinstance(value, exp.Cast):
        return refuse("FORMAT of this kind")
    return write_moment(_format_text(node), _naive(value.this, node.args.get("zone")))


def _parse(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        _only_utc(node.args.get("zone"))
        return cast(parse_moment(_format_text(node), node.this), kind)

    return rule


def _format_text(node: exp.Expr) -> str:
    pattern = node.args.get("format")
    if not isinstance(pattern, exp.Literal):
        raise SqlNotSupported("a date format that is not a literal")
    return str(pattern.name)


def _conversion(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        zone = node.args.get("zone")
        if node.expressions or node.this is None:
            return refuse(f"{kind} of these arguments")
        if zone is None:
            return cast(node.this, kind)
        if kind == "TIMESTAMP":
            return call("timezone", zone, cast(node.this, "DATETIME"))
        return cast(call("timezone", zone, cast(node.this, "TIMESTAMP")), kind)

    return rule


def _current(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        _only_utc(node.this or node.args.get("zone"))
        return cast(call("now"), kind)

    return rule


def _since_epoch(micros: int) -> Rule:
    return lambda node: call("bq_unix", call("epoch_us", node.this), number(micros))


def _from_epoch(node: exp.Expr) -> exp.Expr:
    scale = int(node.args["scale"].name) if node.args.get("scale") else 0
    value = exp.Paren(this=node.this)
    return call("bq_micros", exp.Mul(this=value, expression=number(10 ** (6 - scale))))


def _from_parts(name: str, *keys: str) -> Rule:
    return lambda node: call(name, *(node.args[key] for key in keys))


RULES: dict[type[exp.Expr], Rule] = {
    exp.TimestampTrunc: _truncate("TIMESTAMP"),
    exp.DateTrunc: _truncate("DATE"),
    exp.DatetimeTrunc: _truncate("DATETIME"),
    exp.TimestampDiff: _difference("TIMESTAMP", whole=True),
    exp.DateDiff: _difference("DATE", whole=False),
    exp.DatetimeDiff: _difference("DATETIME", whole=False),
    exp.TimestampAdd: _shift("TIMESTAMP", 1),
    exp.TimestampSub: _shift("TIMESTAMP", -1),
    exp.DateAdd: _shift("DATE", 1),
    exp.DateSub: _shift("DATE", -1),
    exp.DatetimeAdd: _shift("DATETIME", 1),
    exp.DatetimeSub: _shift("DATETIME", -1),
    exp.Interval: _interval_literal,
    exp.Extract: _extract,
    exp.AtTimeZone: lambda node: call("timezone", node.args["zone"], cast(node.this, "TIMESTAMP")),
    exp.TimeToStr: _format,
    exp.TsOrDsToTimestamp: _conversion("TIMESTAMP"),
    exp.TsOrDsToDatetime: _conversion("DATETIME"),
    exp.TsOrDsToDate: _conversion("DATE"),
    exp.TsOrDsToTime: _conversion("TIME"),
    exp.StrToTime: _parse("TIMESTAMP"),
    exp.StrToDate: _parse("DATE"),
    exp.ParseDatetime: _parse("DATETIME"),
    exp.Timestamp: _conversion("TIMESTAMP"),
    exp.Date: _conversion("DATE"),
    exp.CurrentDate: _current("DATE"),
    exp.CurrentDatetime: _current("DATETIME"),
    exp.CurrentTime: _current("TIME"),
    exp.UnixSeconds: _since_epoch(1_000_000),
    exp.UnixMillis: _since_epoch(1000),
    exp.UnixMicros: _since_epoch(1),
    exp.UnixToTime: _from_epoch,
    exp.DateFromParts: _from_parts("make_date", "year", "month", "day"),
    exp.TimestampFromParts: _from_parts(
        "make_timestamp", "year", "month", "day", "hour", "min", "sec"
    ),
    exp.TimeFromParts: _from_parts("make_time", "hour", "min", "sec"),
    exp.LastDay: _last_day,
}
