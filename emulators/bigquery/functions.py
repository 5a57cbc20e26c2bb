"""GoogleSQL expressions -> DuckDB's, node by node on the parsed tree.

`RULES` lists every kind of node that has a translation; a node that is not in it is refused, since
a clear error beats a wrong answer. `SAME` are those that mean the same in both, or that SQLGlot
already writes right. A rule gets a node whose children are translated and returns its replacement.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from emulators.bigquery.errors import SqlNotSupported
from emulators.bigquery.formats import parse_moment, write_moment
from emulators.bigquery.schema import Field
from emulators.bigquery.sqltypes import duckdb_cast, field_of

Rule = Callable[[exp.Expression], exp.Expression]
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_UNITS = {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"} | {
    *("WEEK", "MONTH", "QUARTER", "YEAR"),
}


def call(name: str, *args: exp.Expression) -> exp.Anonymous:
    """A DuckDB function or one of our macros."""
    return exp.Anonymous(this=name, expressions=list(args))


def text(value: str) -> exp.Literal:
    """A string literal."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Literal:
    """A number literal, not typed further."""
    return exp.Literal.number(value)


def cast(value: exp.Expression, kind: str) -> exp.Expression:
    """CAST to the DuckDB type for the API's type name."""
    return duckdb_cast(value, Field("", kind))


def _refuse(what: str) -> exp.Expression:
    raise SqlNotSupported(what)


def named(node: exp.Expression) -> str:
    """What a user calls this node."""
    if isinstance(node, exp.Anonymous):
        return f"function {node.name.upper()}"
    if isinstance(node, exp.Func):
        return f"function {node.sql_name()}"
    return node.key.upper()


def _has_aggregate(node: exp.Expression) -> bool:
    return node.find(exp.AggFunc, exp.Window) is not None or any(
        f.name.lower() in ("quantile_disc", "cast_to_type") for f in node.find_all(exp.Anonymous)
    )


# Literals and casts


def _literal(node: exp.Expression) -> exp.Expression:
    if node.args.get("is_string") or isinstance(node.parent, _RAW_NUMBERS):
        return node
    return cast(node.copy(), "INTEGER" if node.name.isdigit() else "FLOAT")


_RAW_NUMBERS = (exp.Limit, exp.Offset, exp.Group, exp.Ordered, exp.WindowSpec, exp.DataTypeParam)


def _hex(node: exp.Expression) -> exp.Expression:
    return cast(number(int(node.name, 16)), "INTEGER")


def _bytes(node: exp.Expression) -> exp.Expression:
    if "\\" in node.name:
        return _refuse("an escape in a bytes literal")
    return call("unhex", text(node.name.encode().hex()))


def _cast(node: exp.Expression) -> exp.Expression:
    if node.args.get("format"):
        return _refuse("CAST with FORMAT")
    field, value = field_of("", node.args["to"]), node.this
    own = {"INTEGER": "bq_int64", "STRING": "bq_string", "BOOLEAN": "bq_bool", "BYTES": "bq_bytes"}
    if field.type in own and not field.repeated:
        return call(own[field.type], value)
    return duckdb_cast(value, field)


def _try(node: exp.Expression) -> exp.Expression:
    return call("try", node)


# Dates and times


def unit_of(node: exp.Expression) -> str:
    """The date part a node names: DAY, or WEEK(MONDAY)."""
    unit = node.args.get("unit")
    if isinstance(unit, exp.WeekStart):
        return f"WEEK({unit.name.upper()})"
    return unit.name.upper() if unit is not None else "DAY"


def _coerced(node: exp.Expression, kind: str) -> exp.Expression:
    """BigQuery takes a text literal for a date or a timestamp where it wants one."""
    return cast(node, kind) if node.is_string else node


def _truncate(kind: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        _only_utc(node.args.get("zone"))
        value, unit = _coerced(node.this, kind), unit_of(node)
        if unit.startswith("WEEK"):
            start = unit[5:-1] if "(" in unit else "SUNDAY"
            days = WEEKDAYS.index(start)
            return call("bq_trunc_week", value, number(days if days < 6 else -1))
        plain = {"ISOWEEK": "WEEK"}.get(unit, unit)
        if plain not in _UNITS:
            return _refuse(f"date part {unit}")
        return call("bq_trunc_to", value, text(plain))

    return rule


def _only_utc(zone: exp.Expression | None) -> None:
    if zone is not None and zone.name.upper() not in ("UTC", "ETC/UTC", "+00:00", "+00"):
        raise SqlNotSupported(f"time zone {zone.sql(dialect='bigquery')}")


def _difference(kind: str, whole: bool) -> Rule:
    """TIMESTAMP_DIFF counts whole units (`whole`), the others the boundaries crossed."""

    def rule(node: exp.Expression) -> exp.Expression:
        end, start = _coerced(node.this, kind), _coerced(node.expression, kind)
        unit = unit_of(node)
        if unit.startswith("WEEK") and not whole:
            day = unit[5:-1] if "(" in unit else "SUNDAY"
            days = number(-1 if day == "SUNDAY" else WEEKDAYS.index(day))
            start, end = (call("bq_trunc_week", side, days) for side in (start, end))
            return exp.IntDiv(this=call("date_diff", text("day"), start, end), expression=number(7))
        plain = {"ISOWEEK": "WEEK"}.get(unit, unit)
        if plain not in _UNITS:
            return _refuse(f"date part {unit}")
        return call("date_sub" if whole else "date_diff", text(plain), start, end)

    return rule


def _interval(count: exp.Expression, unit: str) -> exp.Expression:
    if unit not in _UNITS:
        return _refuse(f"date part {unit}")
    if isinstance(count, exp.Literal):
        count = number(int(count.name)) if re.fullmatch(r"-?\d+", count.name) else count
    small = unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    kind = exp.DataType.build("INT" if small else "BIGINT", dialect="duckdb")
    return call(f"to_{unit.lower()}s", exp.Cast(this=count, to=kind))


def _interval_literal(node: exp.Expression) -> exp.Expression:
    if node.this is None or not isinstance(node.args.get("unit"), exp.Var):
        return _refuse(f"interval {node.sql(dialect='bigquery')}")
    return _interval(node.this, unit_of(node))


def _shift(kind: str, sign: int) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        step = _interval(node.expression, unit_of(node))
        value = _coerced(node.this, kind)
        return call("bq_shift", value, exp.Neg(this=exp.Paren(this=step)) if sign < 0 else step)

    return rule


def _extract(node: exp.Expression) -> exp.Expression:
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
        return _refuse(f"EXTRACT({part})")
    found: exp.Expression = call("date_part", text(own.get(part, part)), value)
    if part == "DAYOFWEEK":
        return exp.Paren(this=exp.Add(this=found, expression=number(1)))
    if part in ("MILLISECOND", "MICROSECOND"):
        size = 1000 if part == "MILLISECOND" else 1_000_000
        return exp.Paren(this=exp.Mod(this=found, expression=number(size)))
    return found


def _naive(value: exp.Expression, zone: exp.Expression | None = None) -> exp.Expression:
    if isinstance(value, exp.Anonymous) and value.name == "timezone":
        return value  # EXTRACT(... AT TIME ZONE ...) has no zone any more
    if zone is not None:
        return call("timezone", zone, cast(value, "TIMESTAMP"))
    return cast(value, "DATETIME")


def _format(node: exp.Expression) -> exp.Expression:
    value = node.this
    if not isinstance(value, exp.Cast):
        return _refuse("FORMAT of this kind")
    return write_moment(_format_text(node), _naive(value.this, node.args.get("zone")))


def _parse(kind: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        _only_utc(node.args.get("zone"))
        return cast(parse_moment(_format_text(node), node.this), kind)

    return rule


def _format_text(node: exp.Expression) -> str:
    pattern = node.args.get("format")
    if not isinstance(pattern, exp.Literal):
        raise SqlNotSupported("a date format that is not a literal")
    return str(pattern.name)


def _conversion(kind: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        zone = node.args.get("zone")
        if node.expressions or node.this is None:
            return _refuse(f"{kind} of these arguments")
        if zone is None:
            return cast(node.this, kind)
        if kind == "TIMESTAMP":
            return call("timezone", zone, cast(node.this, "DATETIME"))
        return cast(call("timezone", zone, cast(node.this, "TIMESTAMP")), kind)

    return rule


def _current(kind: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        _only_utc(node.this or node.args.get("zone"))
        return cast(call("now"), kind)

    return rule


def _since_epoch(micros: int) -> Rule:
    return lambda node: call("bq_unix", call("epoch_us", node.this), number(micros))


def _from_epoch(node: exp.Expression) -> exp.Expression:
    scale = int(node.args["scale"].name) if node.args.get("scale") else 0
    value = exp.Paren(this=node.this)
    return call("bq_micros", exp.Mul(this=value, expression=number(10 ** (6 - scale))))


def _from_parts(name: str, *keys: str) -> Rule:
    return lambda node: call(name, *(node.args[key] for key in keys))


# Numbers


def _two(name: str) -> Rule:
    return lambda node: call(name, node.this, node.expression)


def _one(name: str) -> Rule:
    return lambda node: call(name, node.this)


def _rounded(name: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        args = [node.this]
        if name in ("round", "trunc"):
            args.append(node.args.get("decimals") or number(0))
        return call(f"bq_{name}{'_double' if _has_aggregate(node.this) else ''}", *args)

    return rule


def _int_div(node: exp.Expression) -> exp.Expression:
    return exp.Paren(this=exp.IntDiv(this=node.this, expression=node.expression))


def _extreme(name: str) -> Rule:
    """NULL if any argument is, where DuckDB passes over NULLs."""

    def rule(node: exp.Expression) -> exp.Expression:
        args = [node.this, *node.expressions]
        empty = exp.or_(*(exp.Is(this=arg.copy(), expression=exp.Null()) for arg in args))
        return exp.Case(ifs=[exp.If(this=empty, true=exp.Null())], default=call(name, *args))

    return rule


# Text


def _concat(node: exp.Expression) -> exp.Expression:
    """NULL if any part is, where DuckDB's concat passes over NULLs."""
    first, *rest = node.expressions
    for part in rest:
        first = exp.DPipe(this=first, expression=part)
    return exp.Paren(this=first)


def _length(node: exp.Expression) -> exp.Expression:
    return call("bq_length_double" if _has_aggregate(node.this) else "bq_length", node.this)


def _substring(node: exp.Expression) -> exp.Expression:
    length = node.args.get("length")
    return call("bq_substr", node.this, node.args["start"], *([length] if length else []))


def _pad(node: exp.Expression) -> exp.Expression:
    width = exp.Cast(this=node.expression, to=exp.DataType.build("INT", dialect="duckdb"))
    name = "lpad" if node.args.get("is_left") else "rpad"
    return call(name, node.this, width, node.args.get("fill_pattern") or text(" "))


def _position(node: exp.Expression) -> exp.Expression:
    if set(node.args) - {"this", "substr"} and any(
        node.args.get(key) for key in ("position", "occurrence")
    ):
        return _refuse("INSTR with a position")
    return call("strpos", node.this, node.args["substr"])


def _regexp_extract(name: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        pattern = node.expression
        if not isinstance(pattern, exp.Literal) or any(
            node.args.get(key) for key in ("position", "occurrence")
        ):
            return _refuse(f"{name.upper()} with a computed pattern, a position or an occurrence")
        groups = re.compile(pattern.name).groups
        if groups > 1:
            return _refuse(f"{name.upper()} with more than one group")
        found = call(name, node.this, pattern, number(groups))
        if name == "regexp_extract_all":
            return found
        matches = call("regexp_matches", node.this.copy(), pattern.copy())
        return exp.Case(ifs=[exp.If(this=matches, true=found)])

    return rule


def _regexp_replace(node: exp.Expression) -> exp.Expression:
    return call("regexp_replace", node.this, node.expression, node.args["replacement"], text("g"))


def _digest(name: str) -> Rule:
    return lambda node: call("unhex", call(name, node.this))


# JSON


def _json_path(name: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        path = node.expression
        if not isinstance(path, exp.JSONPath):
            return _refuse("a JSON path that is not a literal")
        return call(name, node.this, text(path.sql(dialect="bigquery").strip("'\"")))

    return rule


def _json_text(node: exp.Expression) -> exp.Expression:
    made = call("to_json", node.this)
    return made if node.args.get("to_json") else exp.cast(made, "VARCHAR", dialect="duckdb")


# Arrays and structs


def _index(node: exp.Expression) -> exp.Expression:
    (index,) = node.expressions
    if index.is_string:
        return _refuse("a JSON subscript; use JSON_VALUE or JSON_QUERY")
    if node.args.get("offset") == 1:
        index = exp.Paren(this=exp.Sub(this=index, expression=number(1)))
    return call("bq_safe_at" if node.args.get("safe") else "bq_at", node.this, index)


def _dot(node: exp.Expression) -> exp.Expression:
    if not isinstance(node.expression, exp.Identifier):
        return _refuse(f"{node.sql(dialect='bigquery')}")
    return call("struct_extract", node.this, text(node.expression.name))


def _struct(node: exp.Expression) -> exp.Expression:
    members = []
    for value in node.expressions:
        if isinstance(value, exp.PropertyEQ):
            members.append(value)
        elif isinstance(value, exp.Column):
            name = exp.to_identifier(value.name)
            members.append(exp.PropertyEQ(this=name, expression=value))
    if len(members) == len(node.expressions):
        return exp.Struct(expressions=members)
    if members or not isinstance(node.parent, exp.Cast):
        return _refuse("a STRUCT whose fields have no names")
    return call("row", *node.expressions)


def _generate_array(node: exp.Expression) -> exp.Expression:
    args = [node.args["start"], node.args["end"], node.args.get("step")]
    return call("generate_series", *(arg for arg in args if arg is not None))


def _generate_dates(kind: str) -> Rule:
    def rule(node: exp.Expression) -> exp.Expression:
        start, end = (cast(node.args[key], kind) for key in ("start", "end"))
        step = node.args.get("step") or _interval(number(1), "DAY")
        series = call("generate_series", start, end, step)
        return duckdb_cast(series, Field("", kind, "REPEATED"))

    return rule


def _array_concat(node: exp.Expression) -> exp.Expression:
    first, *rest = [node.this, *node.expressions]
    for array in rest:
        first = call("list_concat", first, array)
    return first


def _in(node: exp.Expression) -> exp.Expression:
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    return call("list_contains", unnest.expressions[0], node.this)


# Aggregates


def _avg(node: exp.Expression) -> exp.Expression:
    if isinstance(node.parent, exp.Window):
        return node
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = call("typeof", exp.Min(this=inner.copy()))
    return call("bq_avg_of", kind, node.copy())


def _array_agg(node: exp.Expression) -> exp.Expression:
    if not isinstance(node.this, exp.Limit):
        return node
    if isinstance(node.parent, exp.Window | exp.IgnoreNulls):
        return _refuse("ARRAY_AGG with LIMIT and IGNORE NULLS, or over a window")
    limit = node.this
    whole = exp.ArrayAgg(this=limit.this.copy())
    return call("list_slice", whole, number(1), limit.expression.copy())


def _ignore_nulls(node: exp.Expression) -> exp.Expression:
    if not isinstance(node.this, exp.ArrayAgg):
        return node
    value = node.this.this
    while isinstance(value, exp.Order | exp.Distinct):
        value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this
    present = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return exp.Filter(this=node.this.copy(), expression=exp.Where(this=present))


def _string_agg(node: exp.Expression) -> exp.Expression:
    if isinstance(node.this, exp.Limit):
        return _refuse("STRING_AGG with LIMIT")
    if node.args.get("separator") is None:
        node.set("separator", text(","))
    return node


def _quantiles(node: exp.Expression) -> exp.Expression:
    count = node.expression
    count = count.this if isinstance(count, exp.Cast) else count
    if not isinstance(count, exp.Literal) or isinstance(node.this, exp.Distinct):
        return _refuse("APPROX_QUANTILES with DISTINCT or a computed number")
    parts = int(count.name)
    points: list[exp.Expression] = [number(i / parts) for i in range(parts + 1)]
    return call("quantile_disc", node.this, exp.Array(expressions=points))


def _by_extreme(node: exp.Expression) -> exp.Expression:
    name = "arg_max" if isinstance(node, exp.ArgMax) else "arg_min"
    return call(name, node.this, node.expression)


def _any_value(node: exp.Expression) -> exp.Expression:
    if not isinstance(node.this, exp.HavingMax):
        return node
    name = "arg_max" if node.this.args.get("max") else "arg_min"
    return call(name, node.this.this, node.this.expression)


def _anonymous(node: exp.Expression) -> exp.Expression:
    args = node.expressions
    if node.name.upper() == "IEEE_DIVIDE" and len(args) == 2:
        return call("bq_ieee_div", *args)
    if (
        node.name.upper() in ("TIMESTAMP_BUCKET", "DATETIME_BUCKET", "DATE_BUCKET")
        and len(args) == 2
    ):
        return _refuse(f"function {node.name.upper()}")
    return _refuse(f"function {node.name.upper()}")


SAME: tuple[type[exp.Expression], ...] = (
    *(exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit),
    *(exp.Offset, exp.Join, exp.Subquery, exp.CTE, exp.With, exp.Union, exp.Intersect, exp.Except),
    *(exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.TableAlias, exp.Table, exp.Qualify),
    *(exp.Boolean, exp.Null, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT),
    *(exp.LTE, exp.Between, exp.Is, exp.Like, exp.Case, exp.If, exp.Coalesce, exp.Nullif),
    *(exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Exists),
    *(exp.Window, exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead),
    *(exp.FirstValue, exp.LastValue, exp.NthValue, exp.Ntile, exp.PercentRank, exp.CumeDist),
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Distinct, exp.CountIf, exp.ApproxDistinct),
    *(exp.LogicalAnd, exp.LogicalOr, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance),
    *(exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp, exp.RespectNulls, exp.DPipe),
    *(exp.Abs, exp.Sign, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln, exp.Log, exp.Mod, exp.Rand),
    *(exp.Upper, exp.Lower, exp.Trim, exp.Replace, exp.Reverse, exp.Repeat, exp.Left, exp.Right),
    *(exp.StartsWith, exp.EndsWith, exp.Array, exp.Tuple, exp.Unnest, exp.DataType, exp.Var),
    *(exp.WeekStart, exp.PropertyEQ, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey),
    *(exp.JSONPathSubscript, exp.ColumnDef, exp.HavingMax, exp.IsNan, exp.IsInf, exp.Contains),
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseAndAgg, exp.BitwiseOrAgg),
    *(exp.BitwiseXorAgg, exp.Placeholder, exp.Uuid, exp.Values, exp.Schema, exp.Insert, exp.Update),
    *(exp.Delete, exp.Merge, exp.When, exp.Whens, exp.CurrentTimestamp, exp.Lateral),
)

RULES: dict[type[exp.Expression], Rule] = {
    **dict.fromkeys(SAME, lambda node: node),
    exp.Literal: _literal,
    exp.RawString: lambda node: text(node.name),
    exp.HexString: _hex,
    exp.ByteString: _bytes,
    exp.Cast: _cast,
    exp.TryCast: lambda node: _try(_cast(node)),
    exp.SafeFunc: lambda node: _try(node.this),
    exp.String: _one("bq_string"),
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
    exp.LastDay: _one("last_day"),
    exp.Div: _two("bq_div"),
    exp.SafeDivide: _two("bq_safe_div"),
    exp.IntDiv: _int_div,
    exp.Round: _rounded("round"),
    exp.Trunc: _rounded("trunc"),
    exp.Ceil: _rounded("ceil"),
    exp.Floor: _rounded("floor"),
    exp.Greatest: _extreme("greatest"),
    exp.Least: _extreme("least"),
    exp.Concat: _concat,
    exp.Length: _length,
    exp.ByteLength: lambda node: call("strlen", node.this),
    exp.Substring: _substring,
    exp.Pad: _pad,
    exp.StrPosition: _position,
    exp.Split: _two("bq_split"),
    exp.RegexpLike: _two("regexp_matches"),
    exp.RegexpExtract: _regexp_extract("regexp_extract"),
    exp.RegexpExtractAll: _regexp_extract("regexp_extract_all"),
    exp.RegexpReplace: _regexp_replace,
    exp.LowerHex: lambda node: call("lower", call("hex", node.this)),
    exp.MD5Digest: _digest("md5"),
    exp.SHA1Digest: _digest("sha1"),
    exp.SHA2Digest: _digest("sha256"),
    exp.ToBase64: _one("to_base64"),
    exp.FromBase64: _one("from_base64"),
    exp.JSONExtractScalar: _json_path("bq_json_value"),
    exp.JSONExtract: _json_path("bq_json_query"),
    exp.JSONFormat: _json_text,
    exp.ParseJSON: lambda node: cast(node.this, "JSON"),
    exp.Bracket: _index,
    exp.Dot: _dot,
    exp.Struct: _struct,
    exp.ArraySize: _one("len"),
    exp.ArrayToString: _two("array_to_string"),
    exp.ArrayConcat: _array_concat,
    exp.ArrayReverse: _one("list_reverse"),
    exp.GenerateSeries: _generate_array,
    exp.GenerateDateArray: _generate_dates("DATE"),
    exp.GenerateTimestampArray: _generate_dates("TIMESTAMP"),
    exp.In: _in,
    exp.Avg: _avg,
    exp.ArrayAgg: _array_agg,
    exp.IgnoreNulls: _ignore_nulls,
    exp.GroupConcat: _string_agg,
    exp.ApproxQuantiles: _quantiles,
    exp.ArgMax: _by_extreme,
    exp.ArgMin: _by_extreme,
    exp.AnyValue: _any_value,
    exp.Anonymous: _anonymous,
}


def rewrite(node: exp.Expression) -> exp.Expression:
    """Translate a tree, children first. Raises SqlNotSupported naming what has no translation."""
    if isinstance(node, exp.DataType):
        return node  # `_cast` reads it whole
    for child in list(node.iter_expressions()):
        new = rewrite(child)
        if new is not child:
            child.replace(new)
    rule = RULES.get(type(node))
    if rule is None:
        raise SqlNotSupported(named(node))
    return rule(node)
