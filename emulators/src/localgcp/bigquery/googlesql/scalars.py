"""Functions of numbers, text and JSON."""

from __future__ import annotations

import re

from sqlglot import exp

from localgcp.bigquery.googlesql.nodes import (
    Rule,
    call,
    cast,
    has_aggregate,
    number,
    one,
    refuse,
    text,
    two,
)

# Numbers


def _rounded(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        args = [node.this]
        if name in ("round", "trunc"):
            args.append(node.args.get("decimals") or number(0))
        return call(f"bq_{name}{'_double' if has_aggregate(node.this) else ''}", *args)

    return rule


def _real(name: str) -> Rule:
    """A function of FLOAT64, which fails where it has no finite value."""

    def rule(node: exp.Expr) -> exp.Expr:
        args = [arg.copy() for arg in (node.this, node.args.get("expression")) if arg is not None]
        second = args[1] if len(args) > 1 else number(1)
        return call("bq_real", text(name), args[0], second, node.copy())

    return rule


def _int_div(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.IntDiv(this=node.this, expression=node.expression))


def _extreme(name: str) -> Rule:
    """NULL if any argument is, where DuckDB passes over NULLs."""

    def rule(node: exp.Expr) -> exp.Expr:
        args = [node.this, *node.expressions]
        empty = exp.or_(*(exp.Is(this=arg.copy(), expression=exp.Null()) for arg in args))
        ifs = [exp.If(this=empty, true=exp.Null())]
        if name == "least":  # NaN if any argument is; DuckDB holds it for the greatest
            ifs += [exp.If(this=call("bq_is_nan", a.copy()), true=a.copy()) for a in args]
        return exp.Case(ifs=ifs, default=call(name, *args))

    return rule


# Text


def _concat(node: exp.Expr) -> exp.Expr:
    """NULL if any part is, where DuckDB's concat passes over NULLs."""
    first, *rest = node.expressions
    for part in rest:
        first = exp.DPipe(this=first, expression=part)
    return exp.Paren(this=first)


def _length(node: exp.Expr) -> exp.Expr:
    return call("bq_length_double" if has_aggregate(node.this) else "bq_length", node.this)


def _substring(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length")
    size = [call("bq_size", length, text("SUBSTR"))] if length else []
    return call("bq_substr", node.this, node.args["start"], *size)


def _end(name: str) -> Rule:
    """LEFT and RIGHT; a negative length is an error."""
    return lambda node: call(name, node.this, call("bq_size", node.expression, text(name.upper())))


def _like(node: exp.Expr) -> exp.Expr:
    """A backslash escapes, which DuckDB wants to be told."""
    return exp.Paren(this=exp.Escape(this=node.copy(), expression=text("\\")))


def _repeat(node: exp.Expr) -> exp.Expr:
    return call("bq_repeat", node.this, node.args["times"])


def _pad(node: exp.Expr) -> exp.Expr:
    name = "lpad" if node.args.get("is_left") else "rpad"
    size = call("bq_size", node.expression, text(name.upper()))
    pattern = node.args.get("fill_pattern")
    if pattern is not None and pattern.is_string and not pattern.name:
        return refuse(f"{name.upper()} with an empty pattern")
    width = exp.Cast(this=size, to=exp.DataType.build("INT", dialect="duckdb"))
    return call(name, node.this, width, pattern or text(" "))


def _position(node: exp.Expr) -> exp.Expr:
    if set(node.args) - {"this", "substr"} and any(
        node.args.get(key) for key in ("position", "occurrence")
    ):
        return refuse("INSTR with a position")
    return call("strpos", node.this, node.args["substr"])


# DuckDB gives such a group's text as empty, GoogleSQL as NULL.
_MAYBE_NO_GROUP = re.compile(r"\)[?*]|\)\{0|\|")


def _regexp_extract(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        pattern = node.expression
        if not isinstance(pattern, exp.Literal) or any(
            node.args.get(key) for key in ("position", "occurrence")
        ):
            return refuse(f"{name.upper()} with a computed pattern, a position or an occurrence")
        groups = re.compile(pattern.name).groups
        if groups > 1:
            return refuse(f"{name.upper()} with more than one group")
        if groups and _MAYBE_NO_GROUP.search(pattern.name):
            return refuse(f"{name.upper()} with a group that may take no part")
        found = call(name, node.this, pattern, number(groups))
        if name == "regexp_extract_all":
            if re.match(pattern.name, ""):
                return refuse("REGEXP_EXTRACT_ALL with a pattern that matches nothing at all")
            return found
        matches = call("regexp_matches", node.this.copy(), pattern.copy())
        return exp.Case(ifs=[exp.If(this=matches, true=found)])

    return rule


def _regexp_replace(node: exp.Expr) -> exp.Expr:
    return call("regexp_replace", node.this, node.expression, node.args["replacement"], text("g"))


def _sha2(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length")
    if length is not None and length.name != "256":
        return refuse(f"function SHA{length.name}")
    return call("unhex", call("sha256", node.this))


def _digest(name: str) -> Rule:
    return lambda node: call("unhex", call(name, node.this))


# JSON


def _json_path(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        path = node.expression
        if not isinstance(path, exp.JSONPath):
            return refuse("a JSON path that is not a literal")
        return call(name, node.this, text(path.sql(dialect="bigquery").strip("'\"")))

    return rule


def _json_text(node: exp.Expr) -> exp.Expr:
    if node.args.get("options"):
        return refuse("TO_JSON or TO_JSON_STRING with a second argument")
    made = call("bq_to_json", node.this)
    return made if node.args.get("to_json") else exp.cast(made, "VARCHAR", dialect="duckdb")


def _anonymous(node: exp.Expr) -> exp.Expr:
    """A function that SQLGlot does not know."""
    if node.meta.get("own"):
        return node
    if node.name.upper() == "IEEE_DIVIDE" and len(node.expressions) == 2:
        return call("bq_ieee_div", *node.expressions)
    return refuse(f"function {node.name.upper()}")


RULES: dict[type[exp.Expr], Rule] = {
    exp.String: one("bq_string"),
    exp.Div: two("bq_div"),
    exp.Add: two("bq_add"),
    exp.Sub: two("bq_sub"),
    exp.Mul: two("bq_mul"),
    exp.Sign: one("bq_sign"),
    exp.Sqrt: _real("SQRT"),
    exp.Pow: _real("POW"),
    exp.Exp: _real("EXP"),
    exp.Ln: _real("LN"),
    exp.Log: _real("LOG"),
    exp.SafeDivide: two("bq_safe_div"),
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
    exp.Like: _like,
    exp.Pad: _pad,
    exp.Left: _end("left"),
    exp.Right: _end("right"),
    exp.Repeat: _repeat,
    exp.StrPosition: _position,
    exp.Split: two("bq_split"),
    exp.RegexpLike: two("regexp_matches"),
    exp.RegexpExtract: _regexp_extract("regexp_extract"),
    exp.RegexpExtractAll: _regexp_extract("regexp_extract_all"),
    exp.RegexpReplace: _regexp_replace,
    exp.LowerHex: lambda node: call("lower", call("hex", node.this)),
    exp.MD5: one("md5"),  # TO_HEX(MD5(x)) comes as one node
    exp.MD5Digest: _digest("md5"),
    exp.SHA1Digest: _digest("sha1"),
    exp.SHA2Digest: _sha2,
    exp.ToBase64: one("to_base64"),
    exp.FromBase64: one("from_base64"),
    exp.JSONExtractScalar: _json_path("bq_json_value"),
    exp.JSONExtract: _json_path("bq_json_query"),
    exp.JSONFormat: _json_text,
    exp.ParseJSON: lambda node: cast(node.this, "JSON"),
    exp.Anonymous: _anonymous,
}
