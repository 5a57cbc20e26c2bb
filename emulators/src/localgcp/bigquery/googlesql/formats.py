"""BigQuery's date formats (format elements) in DuckDB's strftime and strptime."""

from __future__ import annotations

import re

from sqlglot import exp

from localgcp.bigquery.errors import SqlNotSupported

_ELEMENT = re.compile(r"%(?:E[#*\d][SfY]?S?|-?[A-Za-z%])")
# Written alike by both.
_SAME = set("YmdHMSjyaAbBpIuwUWGV%")
_EXPANSIONS = {"%E4Y": "%Y", "%E*S": "", "%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M"} | {
    "%D": "%m/%d/%y",
    "%h": "%b",
    "%Z": "UTC",
    "%z": "+0000",
    "%n": "\n",
    "%t": "\t",
    "%P": "%p",
}
_LOWERCASED = {"%P"}


def _call(name: str, *args: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(args))


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def write_moment(pattern: str, value: exp.Expr) -> exp.Expr:
    """FORMAT_TIMESTAMP and its kin: `value` is a TIMESTAMP without zone. Raises SqlNotSupported."""
    parts: list[exp.Expr] = []
    plain, end = "", 0
    for match in _ELEMENT.finditer(pattern):
        plain += pattern[end : match.start()]
        end = match.end()
        special = _special(match[0], value)
        if special is None:
            plain += _plain(match[0])
            continue
        if plain:
            parts.append(_call("strftime", value.copy(), _text(plain)))
            plain = ""
        parts.append(special)
    plain += pattern[end:]
    if plain or not parts:
        parts.append(_call("strftime", value.copy(), _text(plain)))
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part)
    return exp.Paren(this=joined)


def _special(element: str, value: exp.Expr) -> exp.Expr | None:
    """What strftime alone cannot write."""
    if element == "%E*S":
        return _call("bq_subseconds", value.copy())
    digits = re.fullmatch(r"%E(\d)S", element)
    if digits:
        width = exp.Literal.number(2 + (1 + int(digits[1]) if digits[1] != "0" else 0))
        return _call("left", _call("strftime", value.copy(), _text("%S.%f")), width)
    if element in ("%e", "%-d"):  # SQLGlot writes the one as the other
        return _call("lpad", _call("strftime", value.copy(), _text("%-d")), _two(), _text(" "))
    if element == "%s":
        seconds = _call("bq_unix", _call("epoch_us", value.copy()), exp.Literal.number(1_000_000))
        return _call("bq_string", seconds)
    if element == "%Q":
        return _call("bq_string", _call("date_part", _text("quarter"), value.copy()))
    return None


def _two() -> exp.Expr:
    return exp.Literal.number(2)


def _plain(element: str) -> str:
    if element in _EXPANSIONS and element not in ("%E*S", *_LOWERCASED):
        return _EXPANSIONS[element]
    if element[1:] in _SAME or element in ("%-m", "%-H", "%-I", "%-M", "%-S"):
        return element
    raise SqlNotSupported(f"format element {element}")


def parse_moment(pattern: str, value: exp.Expr) -> exp.Expr:
    """PARSE_TIMESTAMP and its kin: a timestamp, or the query fails. Raises SqlNotSupported."""
    patterns = [""]
    end = 0
    for match in _ELEMENT.finditer(pattern):
        element = match[0]
        choices = [_parse_plain(element)]
        if re.fullmatch(r"%E[*\d]S", element):
            choices = ["%S.%f", "%S"]  # digits after the second may be there or not
        before = pattern[end : match.start()]
        patterns = [head + before + choice for head in patterns for choice in choices]
        end = match.end()
    tail = pattern[end:]
    texts = [_text(head + tail) for head in patterns]
    return _call("strptime", value, exp.Array(expressions=texts) if len(texts) > 1 else texts[0])


def _parse_plain(element: str) -> str:
    if element in ("%z", "%Z"):
        return element
    if re.fullmatch(r"%E[*\d]S", element):
        return ""
    return _plain(element)
