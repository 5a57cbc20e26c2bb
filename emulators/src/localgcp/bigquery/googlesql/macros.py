"""GoogleSQL functions that DuckDB lacks or answers otherwise, as macros over DuckDB's own.

the rules say which GoogleSQL function becomes which macro. Most are untyped and keep the
type of an argument by `cast_to_type`; the session's zone is UTC, so a cast between TIMESTAMP and
the zoneless types is GoogleSQL's own. A macro with overloads cannot be given an aggregate (DuckDB
binds the argument too late to choose): those have a plain sibling named `..._double`. `error()`
fails a query for good; a failing CAST can be caught by SAFE.
"""

from __future__ import annotations


def _macro(name: str, *overloads: str) -> str:
    return f"CREATE MACRO bq_{name} {', '.join(overloads)}"


CONVERSIONS = (
    # A text with a fraction is an error here, which DuckDB would round.
    _macro(
        "int64",
        r"""(x) AS CAST(CASE
            WHEN typeof(x) = 'DOUBLE' THEN CAST(round(CAST(x AS DOUBLE)) AS BIGINT)
            WHEN typeof(x) <> 'VARCHAR'
            OR regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?[0-9]+\s*')
            THEN CAST(x AS BIGINT)
            WHEN x IS NOT NULL THEN CAST('Bad int64 value: ' || CAST(x AS VARCHAR) AS BIGINT)
            END AS BIGINT)""",
    ),
    # DuckDB would take 't' and '1' as well.
    _macro(
        "bool",
        """(x) AS CASE
            WHEN typeof(x) <> 'VARCHAR' OR lower(CAST(x AS VARCHAR)) IN ('true', 'false')
            THEN CAST(x AS BOOLEAN)
            WHEN x IS NOT NULL THEN CAST('Bad bool value: ' || CAST(x AS VARCHAR) AS BOOLEAN)
            END""",
    ),
    # Digits after the second come in none, threes or sixes.
    _macro("fraction", r"(x) AS regexp_replace(regexp_replace(x, '\.000000$', ''), '000$', '')"),
    _macro(
        "moment_text",
        "(v) AS bq_fraction(strftime(TRY_CAST(v AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f'))",
    ),
    _macro(
        "json_text",
        """(v) AS CASE WHEN json_type(v) = 'VARCHAR' THEN json_extract_string(v, '$')
            WHEN v IS NOT NULL THEN error('The provided JSON input is not a string') END""",
    ),
    _macro(
        "text_of",
        r"""(kind, v) AS CASE
            WHEN kind = 'TIMESTAMP WITH TIME ZONE' THEN bq_moment_text(v) || '+00'
            WHEN kind = 'TIMESTAMP' THEN bq_moment_text(v)
            WHEN kind = 'TIME' THEN substr(bq_moment_text('1970-01-01 ' || v), 12)
            WHEN kind = 'DOUBLE' THEN regexp_replace(v, '\.0$', '')
            WHEN kind = 'JSON' THEN bq_json_text(CASE WHEN kind = 'JSON' THEN v END)
            WHEN kind = 'BLOB' THEN decode(CAST(v AS BLOB))
            WHEN kind LIKE 'DECIMAL%' THEN regexp_replace(v, '\.?0+$', '')
            ELSE v END""",
    ),
    _macro("string", "(x) AS bq_text_of(typeof(x), CAST(x AS VARCHAR))"),
    _macro("bytes", "(x BLOB) AS x", "(x VARCHAR) AS encode(x)"),
)

MOMENTS = (
    _macro("trunc_to", "(x, unit) AS cast_to_type(date_trunc(unit, x), x)"),
    # A week that begins `days` after Monday.
    _macro(
        "trunc_week",
        "(x, days) AS cast_to_type(date_trunc('week', x - to_days(days)) + to_days(days), x)",
    ),
    _macro("shift", "(x, step) AS cast_to_type(x + step, x)"),
    _macro("micros", "(x) AS timezone('UTC', make_timestamp(CAST(x AS BIGINT)))"),
    _macro("unix", "(x, unit) AS CAST((x - (((x % unit) + unit) % unit)) // unit AS BIGINT)"),
    # Seconds with as many digits as they need (%E*S).
    _macro(
        "subseconds",
        r"(x) AS strftime(x, '%S') || regexp_replace(strftime(x, '.%f'), '\.?0+$', '')",
    ),
)


def _rounding(name: str, digits: bool) -> tuple[str, str]:
    """Of an INT64 these are FLOAT64, of a NUMERIC they are NUMERIC."""
    n, arg = ("(x {}, n)", ", CAST(n AS INTEGER)") if digits else ("(x {})", "")
    head = "(x, n)" if digits else "(x)"
    typed = _macro(
        name,
        f"{n.format('BIGINT')} AS {name}(CAST(x AS DOUBLE){arg})",
        f"{n.format('DOUBLE')} AS {name}(x{arg})",
        f"{n.format('DECIMAL')} AS CAST({name}(CAST(x AS DECIMAL(38, 9)){arg}) AS DECIMAL(38, 9))",
    )
    plain = _macro(
        f"{name}_double",
        f"""{head} AS CASE WHEN typeof(x) LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: {name.upper()} of an aggregate of NUMERIC')
            ELSE {name}(CAST(x AS DOUBLE){arg}) END""",
    )
    return typed, plain


# Of any type; DuckDB folds what asks for the type.
NANS = (
    _macro(
        "is_nan",
        "(x) AS (typeof(x) = 'DOUBLE' AND coalesce(isnan(TRY_CAST(x AS DOUBLE)), false))",
    ),
    # NaN comes right after NULL.
    _macro(
        "nan_key",
        """(x) AS CASE WHEN typeof(x) = 'DOUBLE' THEN
            CASE WHEN x IS NULL THEN NULL WHEN bq_is_nan(x) THEN 0 ELSE 1 END END""",
    ),
    _macro(
        "no_nan",
        """(x) AS CASE WHEN bq_is_nan(x)
            THEN cast_to_type('not supported by the emulator: NaN in this aggregate', x)
            ELSE x END""",
    ),
    _macro(
        "orderable",
        r"""(x) AS CASE
            WHEN regexp_matches(typeof(x), '\[\]$|^STRUCT|^TUPLE|^JSON$')
            THEN error('Ordering by expressions of type ' || typeof(x) || ' is not allowed')
            ELSE bq_nan_key(x) END""",
    ),
    # No error(): a window orders by nothing that may fail.
    _macro(
        "no_nan_in_range",
        """(x) AS CASE WHEN bq_is_nan(x)
            THEN cast_to_type('not supported by the emulator: NaN in a RANGE window', x)
            ELSE x END""",
    ),
    _macro(
        "moderate",
        """(x) AS CASE WHEN abs(TRY_CAST(x AS DOUBLE)) > 1e150 AND isfinite(TRY_CAST(x AS DOUBLE))
            THEN error('not supported by the emulator: deviation of huge numbers')
            ELSE x END""",
    ),
    _macro(
        "finite",
        """(x) AS CASE WHEN NOT isfinite(TRY_CAST(x AS DOUBLE))
            THEN error('not supported by the emulator: deviation of NaN or infinity')
            ELSE x END""",
    ),
    _macro(
        "no_struct",
        """(x) AS CASE WHEN typeof(x) LIKE 'STRUCT%' OR typeof(x) LIKE 'TUPLE%'
            THEN error('not supported by the emulator: comparison of STRUCTs') ELSE x END""",
    ),
    _macro(
        "comparable",
        """(x) AS CASE
            WHEN typeof(x) LIKE '%[]' OR typeof(x) = 'JSON'
            THEN error('Comparison is not defined for arguments of type ' || typeof(x))
            ELSE bq_no_struct(x) END""",
    ),
)

NUMBERS = (
    _macro(
        "div",
        """(x, y) AS CASE
            WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(y) LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: division of NUMERIC')
            WHEN y = 0 THEN error('division by zero: ' || x || ' / ' || y)
            WHEN isinf(CAST(x / y AS DOUBLE)) AND isfinite(CAST(x AS DOUBLE))
            THEN error('double overflow: ' || x || ' / ' || y)
            ELSE x / y END""",
    ),
    _macro(
        "avg_of",
        """(kind, x) AS CASE WHEN kind LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: AVG of NUMERIC') ELSE x END""",
    ),
    _macro(
        "safe_div",
        """(x, y) AS CASE WHEN y <> 0
            AND NOT (isinf(CAST(x / y AS DOUBLE)) AND isfinite(CAST(x AS DOUBLE)))
            THEN bq_div(x, y) END""",
    ),
    _macro(
        "mul",
        """(x, y) AS CASE WHEN typeof(x * y) = 'DOUBLE' AND isinf(TRY_CAST(x * y AS DOUBLE))
            AND isfinite(TRY_CAST(x AS DOUBLE)) AND isfinite(TRY_CAST(y AS DOUBLE))
            THEN error('double overflow: ' || x || ' * ' || y) ELSE x * y END""",
    ),
    _macro("ieee_div", "(x, y) AS CAST(x AS DOUBLE) / CAST(y AS DOUBLE)"),
    *_rounding("ceil", digits=False),
    *_rounding("floor", digits=False),
    *_rounding("round", digits=True),
    *_rounding("trunc", digits=True),
)

MAX_TEXT = 1 << 20  # ZetaSQL gives REPEAT, LPAD and RPAD no more than that

TEXT = (
    _macro(
        "size",
        f"""(n, name) AS CASE
            WHEN n < 0 THEN error('Third argument in ' || name || ' cannot be negative')
            WHEN n > {MAX_TEXT} THEN error('Output of ' || name || ' exceeds max allowed size')
            ELSE n END""",
    ),
    # Limited twice, since DuckDB computes what is constant before it asks the CASE.
    _macro(
        "repeat",
        f"""(x, n) AS CASE WHEN n < 0 THEN error('Repetitions of REPEAT cannot be negative')
            WHEN n > {MAX_TEXT} OR n * octet_length(CAST(x AS BLOB)) > {MAX_TEXT}
            THEN error('Output of REPEAT exceeds max allowed size')
            ELSE repeat(x, greatest(least(n, {MAX_TEXT}), 0)) END""",
    ),
    _macro(
        "text_only",
        """(x) AS CASE WHEN typeof(x) = 'BLOB'
            THEN error('not supported by the emulator: STRING_AGG of BYTES') ELSE x END""",
    ),
    _macro("length", "(x VARCHAR) AS length(x)", "(x BLOB) AS octet_length(x)"),
    _macro("length_double", "(x) AS length(x)"),
    # Position 0 means 1, and one before the start means the start.
    _macro(
        "substr",
        "(x, pos) AS substr(x, CASE pos WHEN 0 THEN 1 ELSE greatest(pos, -length(x)) END)",
        "(x, pos, n) AS substr(x, CASE pos WHEN 0 THEN 1 ELSE greatest(pos, -length(x)) END, n)",
    ),
    _macro("split", "(x, sep) AS CASE WHEN x = '' THEN [''] ELSE string_split(x, sep) END"),
)

JSON = (
    # NULL for an object or an array.
    _macro(
        "json_value",
        """(j, path) AS CASE WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY', 'NULL')
            THEN json_extract_string(j, path) END""",
    ),
    # Types and values that DuckDB writes otherwise are refused.
    _macro(
        "to_json",
        """(x) AS CASE
            WHEN regexp_matches(typeof(x), 'TIME|BLOB|DECIMAL')
            THEN error('not supported by the emulator: TO_JSON of ' || typeof(x))
            WHEN typeof(x) LIKE '%DOUBLE%'
            AND regexp_matches(lower(CAST(to_json(x) AS VARCHAR)), 'nan|inf|[0-9]e[-+]?[0-9]')
            THEN error('not supported by the emulator: TO_JSON of such a number')
            WHEN typeof(x) LIKE '%BIGINT%'
            AND regexp_matches(CAST(to_json(x) AS VARCHAR), '[0-9]{16,}')
            THEN error('not supported by the emulator: TO_JSON of an INT64 beyond 2^53')
            WHEN typeof(x) LIKE 'STRUCT%[]%' AND CAST(to_json(x) AS VARCHAR) LIKE '%null%'
            THEN error('not supported by the emulator: TO_JSON of an array with NULL')
            ELSE coalesce(to_json(x), CAST('null' AS JSON)) END""",
    ),
    _macro("json_query", "(j, path) AS cast_to_type(json_extract(j, path), j)"),
)

ARRAYS = (
    _macro(
        "in_array",
        """(a, x) AS CASE
            WHEN typeof(x) LIKE 'STRUCT%' OR typeof(x) LIKE 'TUPLE%'
            THEN error('not supported by the emulator: IN UNNEST of STRUCTs')
            WHEN a IS NULL OR len(a) = 0 THEN false
            WHEN x IS NULL THEN NULL
            WHEN NOT bq_is_nan(x) AND list_contains(a, x) THEN true
            WHEN list_count(a) < len(a) THEN NULL
            ELSE false END""",
    ),
    _macro(
        "at",
        """(a, i) AS CASE WHEN a IS NULL OR i IS NULL THEN NULL WHEN i < 0 OR i >= len(a)
            THEN error('Array index ' || i || ' is out of bounds') ELSE a[i + 1] END""",
    ),
    _macro("step", "(x) AS CASE WHEN x = 0 THEN error('Sequence step cannot be 0') ELSE x END"),
    _macro(
        "interval_step",
        "(x) AS CASE WHEN x = to_days(0) THEN error('Sequence step cannot be 0') ELSE x END",
    ),
    _macro("safe_at", "(a, i) AS CASE WHEN i >= 0 AND i < len(a) THEN a[i + 1] END"),
)

MACROS = (*NANS, *CONVERSIONS, *MOMENTS, *NUMBERS, *TEXT, *JSON, *ARRAYS)
