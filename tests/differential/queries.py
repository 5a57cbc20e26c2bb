"""Queries by chance: typed expressions over the columns of one table, and clauses around them."""

from __future__ import annotations

from hypothesis import strategies as st

COLUMNS = {
    "i": "INT64",
    "j": "INT64",
    "f": "FLOAT64",
    "n": "NUMERIC",
    "s": "STRING",
    "b": "BOOL",
    "d": "DATE",
    "t": "TIMESTAMP",
    "a": "ARRAY<INT64>",
}
_LITERALS = {
    "INT64": ("0", "1", "-1", "2", "3", "-7", "9223372036854775807", "NULL"),
    "FLOAT64": (
        "0.0",
        "1.5",
        "-2.25",
        "1e308",
        "CAST('nan' AS FLOAT64)",
        "CAST('-inf' AS FLOAT64)",
    ),
    "NUMERIC": ("NUMERIC '0'", "NUMERIC '1.5'", "NUMERIC '-0.000000001'", "NUMERIC '12345.678'"),
    "STRING": ("''", "'a'", "'Ab'", "'é'", "'12'", "' x '", "'a.b'", "CAST(NULL AS STRING)"),
    "BOOL": ("TRUE", "FALSE", "CAST(NULL AS BOOL)"),
    "DATE": ("DATE '2024-02-29'", "DATE '1970-01-01'", "DATE '2023-12-31'"),
    "TIMESTAMP": ("TIMESTAMP '2024-02-29 23:59:59.5+00'", "TIMESTAMP '1969-12-31 23:00:00+00'"),
    "ARRAY<INT64>": ("[1, 2, 3]", "CAST([] AS ARRAY<INT64>)", "[3, 3]"),
}
_PARTS = ("YEAR", "QUARTER", "MONTH", "ISOWEEK", "WEEK", "DAY", "DAYOFWEEK", "DAYOFYEAR", "ISOYEAR")
# Of each type: forms with {TYPE} for an expression of it.
_FORMS = {
    "INT64": (
        *("({INT64} + {INT64})", "({INT64} - {INT64})", "({INT64} * {INT64})", "-{INT64}"),
        *("DIV({INT64}, {INT64})", "MOD({INT64}, {INT64})", "ABS({INT64})", "SIGN({INT64})"),
        *("LENGTH({STRING})", "STRPOS({STRING}, {STRING})", "ARRAY_LENGTH({ARRAY<INT64>})"),
        *("CAST({FLOAT64} AS INT64)", "SAFE_CAST({STRING} AS INT64)", "CAST({BOOL} AS INT64)"),
        *(
            "DATE_DIFF({DATE}, {DATE}, MONTH)",
            "DATE_DIFF({DATE}, {DATE}, WEEK)",
            "UNIX_DATE({DATE})",
        ),
        *("TIMESTAMP_DIFF({TIMESTAMP}, {TIMESTAMP}, HOUR)", "UNIX_SECONDS({TIMESTAMP})"),
        *(
            "{ARRAY<INT64>}[SAFE_OFFSET({INT64})]",
            "GREATEST({INT64}, {INT64})",
            "BYTE_LENGTH({STRING})",
        ),
        *("LEAST({INT64}, {INT64}, {INT64})", "({INT64} & {INT64})", "BIT_COUNT({INT64})"),
        *(f"EXTRACT({part} FROM {{DATE}})" for part in _PARTS),
        "CAST({NUMERIC} AS INT64)",
        "(SELECT SUM(x) FROM UNNEST({ARRAY<INT64>}) AS x)",
    ),
    "FLOAT64": (
        *("({FLOAT64} + {FLOAT64})", "({FLOAT64} * {FLOAT64})", "({INT64} / {INT64})"),
        *("SAFE_DIVIDE({FLOAT64}, {FLOAT64})", "ROUND({FLOAT64})", "TRUNC({FLOAT64}, 1)"),
        *("CEIL({FLOAT64})", "FLOOR({FLOAT64})", "ABS({FLOAT64})", "SQRT({FLOAT64})"),
        *("IEEE_DIVIDE({FLOAT64}, {FLOAT64})", "CAST({INT64} AS FLOAT64)", "LN({FLOAT64})"),
        *("GREATEST({FLOAT64}, {FLOAT64})", "POW({FLOAT64}, 2)", "SAFE_CAST({STRING} AS FLOAT64)"),
    ),
    "NUMERIC": (
        *(
            "({NUMERIC} + {NUMERIC})",
            "({NUMERIC} * {NUMERIC})",
            "ROUND({NUMERIC}, 2)",
            "-{NUMERIC}",
        ),
        *("CAST({INT64} AS NUMERIC)", "ABS({NUMERIC})", "TRUNC({NUMERIC})"),
    ),
    "STRING": (
        *("CONCAT({STRING}, {STRING})", "UPPER({STRING})", "LOWER({STRING})", "TRIM({STRING})"),
        *("SUBSTR({STRING}, {INT64})", "SUBSTR({STRING}, 1, 2)", "REPLACE({STRING}, 'a', 'b')"),
        *("CAST({INT64} AS STRING)", "CAST({FLOAT64} AS STRING)", "CAST({NUMERIC} AS STRING)"),
        *("CAST({BOOL} AS STRING)", "CAST({DATE} AS STRING)", "CAST({TIMESTAMP} AS STRING)"),
        *("LPAD({STRING}, 4, 'x')", "REVERSE({STRING})", "LEFT({STRING}, 2)", "RIGHT({STRING}, 1)"),
        *("REGEXP_REPLACE({STRING}, r'[a-z]', '-')", "SPLIT({STRING}, '.')[OFFSET(0)]"),
        *("REGEXP_EXTRACT({STRING}, r'\\w')", "INITCAP({STRING})", "TO_HEX(MD5({STRING}))"),
        *("FORMAT_DATE('%Y-%j %a', {DATE})", "FORMAT_TIMESTAMP('%F %H:%M:%E*S', {TIMESTAMP})"),
    ),
    "BOOL": (
        *("({INT64} < {INT64})", "({FLOAT64} <= {FLOAT64})", "({STRING} = {STRING})"),
        *("({NUMERIC} > {NUMERIC})", "({DATE} >= {DATE})", "({TIMESTAMP} <> {TIMESTAMP})"),
        *("({INT64} = {FLOAT64})", "({NUMERIC} = {FLOAT64})", "({INT64} < {NUMERIC})"),
        *("({BOOL} AND {BOOL})", "({BOOL} OR {BOOL})", "(NOT {BOOL})", "({STRING} LIKE 'a%')"),
        *(
            "({INT64} IN ({INT64}, {INT64}))",
            "({INT64} IS NULL)",
            "({INT64} BETWEEN {INT64} AND 3)",
        ),
        *("({BOOL} IS NOT TRUE)", "STARTS_WITH({STRING}, {STRING})", "IS_NAN({FLOAT64})"),
        *("({INT64} IS DISTINCT FROM {INT64})", "({INT64} IN UNNEST({ARRAY<INT64>}))"),
        *("REGEXP_CONTAINS({STRING}, r'^a')", "({FLOAT64} = {FLOAT64})"),
    ),
    "DATE": (
        *("DATE_ADD({DATE}, INTERVAL 1 MONTH)", "DATE_SUB({DATE}, INTERVAL 8 DAY)"),
        *("DATE_TRUNC({DATE}, MONTH)", "DATE_TRUNC({DATE}, WEEK)", "DATE_TRUNC({DATE}, ISOWEEK)"),
        *("DATE({TIMESTAMP})", "LAST_DAY({DATE})", "GREATEST({DATE}, {DATE})"),
        "SAFE_CAST({STRING} AS DATE)",
    ),
    "TIMESTAMP": (
        *("TIMESTAMP_ADD({TIMESTAMP}, INTERVAL 90 MINUTE)", "TIMESTAMP_TRUNC({TIMESTAMP}, HOUR)"),
        *("TIMESTAMP({DATE})", "TIMESTAMP_SECONDS({INT64})", "TIMESTAMP_TRUNC({TIMESTAMP}, WEEK)"),
    ),
    "ARRAY<INT64>": (
        *("ARRAY_CONCAT({ARRAY<INT64>}, {ARRAY<INT64>})", "ARRAY_REVERSE({ARRAY<INT64>})"),
        *("[{INT64}, 5]", "GENERATE_ARRAY(1, 3)"),
    ),
}
_ANY = (
    *("IF({{BOOL}}, {{{0}}}, {{{0}}})", "COALESCE({{{0}}}, {{{0}}})"),
    *("CASE WHEN {{BOOL}} THEN {{{0}}} ELSE {{{0}}} END", "NULLIF({{{0}}}, {{{0}}})"),
)
_AGGREGATES = (
    *("COUNT(*)", "COUNT({INT64})", "COUNT(DISTINCT {STRING})", "SUM({INT64})", "SUM({FLOAT64})"),
    *("SUM({NUMERIC})", "AVG({INT64})", "AVG({FLOAT64})", "MIN({STRING})", "MAX({FLOAT64})"),
    *(
        "MIN({FLOAT64})",
        "MAX({DATE})",
        "COUNTIF({BOOL})",
        "LOGICAL_AND({BOOL})",
        "LOGICAL_OR({BOOL})",
    ),
    *("STRING_AGG({STRING}, ',' ORDER BY k)", "ARRAY_AGG(i IGNORE NULLS ORDER BY k)"),
    *("BIT_XOR({INT64})", "STDDEV({FLOAT64})", "MIN({TIMESTAMP})", "SUM(DISTINCT {INT64})"),
)
_WINDOWS = (
    *("ROW_NUMBER() OVER (ORDER BY k)", "RANK() OVER (ORDER BY {INT64})"),
    *("SUM({INT64}) OVER (PARTITION BY {BOOL} ORDER BY k)", "LAG({STRING}) OVER (ORDER BY k)"),
    *("DENSE_RANK() OVER (PARTITION BY {STRING} ORDER BY {DATE} DESC)", "COUNT(*) OVER ()"),
    *("AVG({INT64}) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",),
    *("FIRST_VALUE({INT64}) OVER (ORDER BY k)", "MAX({INT64}) OVER (ORDER BY {INT64})"),
)


@st.composite
def _filled(draw: st.DrawFn, form: str, depth: int) -> str:
    parts = []
    for number, piece in enumerate(form.replace("}", "{").split("{")):
        parts.append(draw(expressions(piece, depth)) if number % 2 else piece)
    return "".join(parts)


def expressions(kind: str, depth: int = 2) -> st.SearchStrategy[str]:
    """Expressions of a type, nested up to `depth`."""
    columns = [name for name, own in COLUMNS.items() if own == kind]
    leaves = st.sampled_from([*columns, *columns, *_LITERALS[kind]])
    if depth == 0:
        return leaves
    general = () if kind.startswith("ARRAY") else tuple(form.format(kind) for form in _ANY)
    forms = st.sampled_from((*_FORMS[kind], *general))
    return leaves | forms.flatmap(lambda form: _filled(form, depth - 1))


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A query over `d.t`: plain, grouped or with a window."""
    kinds = st.sampled_from(list(COLUMNS))
    where = draw(st.none() | expressions("BOOL"))
    after = f" WHERE {where}" if where else ""
    shape = draw(st.sampled_from(("plain", "plain", "grouped", "whole", "window")))
    if shape in ("grouped", "whole"):
        value = draw(st.sampled_from(_AGGREGATES).flatmap(lambda form: _filled(form, 1)))
        if shape == "whole":
            return f"SELECT {value} AS x FROM d.t{after}"
        key = draw(expressions(draw(st.sampled_from(("INT64", "STRING", "BOOL", "DATE")))))
        return f"SELECT {key} AS g, {value} AS x FROM d.t{after} GROUP BY g"
    if shape == "window":
        value = draw(st.sampled_from(_WINDOWS).flatmap(lambda form: _filled(form, 1)))
        return f"SELECT k, {value} AS x FROM d.t{after}"
    value = draw(kinds.flatmap(lambda name: expressions(COLUMNS[name])))
    return f"SELECT k, {value} AS x FROM d.t{after}"
