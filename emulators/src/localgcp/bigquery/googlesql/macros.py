"""GoogleSQL functions that DuckDB lacks or answers otherwise, as macros over DuckDB's own.

the rules say which GoogleSQL function becomes which macro. Most are untyped and keep the
type of an argument by `cast_to_type`; the session's zone is UTC, so a cast between TIMESTAMP and
the zoneless types is GoogleSQL's own. A macro with overloads cannot be given an aggregate (DuckDB
binds the argument too late to choose): those have a plain sibling named `..._double`. `error()`
fails a query for good; a failing CAST can be caught by SAFE.
"""

from __future__ import annotations

from localgcp.bigquery.googlesql.macros_of_text import ARRAYS, JSON, TEXT, macro

CONVERSIONS = (
    # A text with a fraction is an error here, which DuckDB would round.
    macro(
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
    macro(
        "bool",
        """(x) AS CASE
            WHEN typeof(x) = 'DOUBLE' OR typeof(x) LIKE 'DECIMAL%'
            THEN CAST('Invalid cast to BOOL: ' || CAST(x AS VARCHAR) AS BOOLEAN)
            WHEN typeof(x) <> 'VARCHAR' OR lower(CAST(x AS VARCHAR)) IN ('true', 'false')
            THEN CAST(x AS BOOLEAN)
            WHEN x IS NOT NULL THEN CAST('Bad bool value: ' || CAST(x AS VARCHAR) AS BOOLEAN)
            END""",
    ),
    # DuckDB passes over an underscore among digits.
    macro(
        "digits",
        r"""(x) AS CASE WHEN typeof(x) = 'VARCHAR' AND contains(CAST(x AS VARCHAR), '_')
            THEN cast_to_type('Bad number: ' || CAST(x AS VARCHAR), x) ELSE x END""",
    ),
    # Digits after the second come in none, threes or sixes.
    macro("fraction", r"(x) AS regexp_replace(regexp_replace(x, '\.000000$', ''), '000$', '')"),
    macro(
        "moment_text",
        "(v) AS bq_fraction(strftime(TRY_CAST(v AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f'))",
    ),
    macro(
        "json_text",
        """(v) AS CASE WHEN json_type(v) = 'VARCHAR' THEN json_extract_string(v, '$')
            WHEN v IS NOT NULL THEN error('The provided JSON input is not a string') END""",
    ),
    macro(
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
    macro("string", "(x) AS bq_text_of(typeof(x), CAST(x AS VARCHAR))"),
    macro("bytes", "(x BLOB) AS x", "(x VARCHAR) AS encode(x)"),
)

MOMENTS = (
    macro("trunc_to", "(x, unit) AS cast_to_type(date_trunc(unit, x), x)"),
    # A week that begins `days` after Monday.
    macro(
        "trunc_week",
        "(x, days) AS cast_to_type(date_trunc('week', x - to_days(days)) + to_days(days), x)",
    ),
    macro("shift", "(x, step) AS cast_to_type(x + step, x)"),
    macro("micros", "(x) AS timezone('UTC', make_timestamp(CAST(x AS BIGINT)))"),
    macro("unix", "(x, unit) AS CAST((x - (((x % unit) + unit) % unit)) // unit AS BIGINT)"),
    # Seconds with as many digits as they need (%E*S).
    macro(
        "subseconds",
        r"(x) AS strftime(x, '%S') || regexp_replace(strftime(x, '.%f'), '\.?0+$', '')",
    ),
)


def _rounding(name: str, digits: bool) -> tuple[str, str]:
    """Of an INT64 these are FLOAT64, of a NUMERIC they are NUMERIC."""
    n, arg = ("(x {}, n)", ", CAST(n AS INTEGER)") if digits else ("(x {})", "")
    head = "(x, n)" if digits else "(x)"
    typed = macro(
        name,
        f"{n.format('BIGINT')} AS {name}(CAST(x AS DOUBLE){arg})",
        f"{n.format('DOUBLE')} AS {name}(x{arg})",
        # The parameter's own type: plain DECIMAL would keep three places.
        f"{n.format('DECIMAL(38, 9)')} AS CAST({name}(x{arg}) AS DECIMAL(38, 9))",
    )
    plain = macro(
        f"{name}_double",
        f"""{head} AS CASE WHEN typeof(x) LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: {name.upper()} of an aggregate of NUMERIC')
            ELSE {name}(CAST(x AS DOUBLE){arg}) END""",
    )
    return typed, plain


# Of any type; DuckDB folds what asks for the type.
NANS = (
    macro(
        "is_nan",
        "(x) AS (typeof(x) = 'DOUBLE' AND coalesce(isnan(TRY_CAST(x AS DOUBLE)), false))",
    ),
    # NaN comes right after NULL.
    macro(
        "nan_key",
        """(x) AS CASE WHEN typeof(x) = 'DOUBLE' THEN
            CASE WHEN x IS NULL THEN NULL WHEN bq_is_nan(x) THEN 0 ELSE 1 END END""",
    ),
    macro(
        "no_nan",
        """(x) AS CASE WHEN bq_is_nan(x)
            THEN cast_to_type('not supported by the emulator: NaN in this aggregate', x)
            ELSE x END""",
    ),
    macro(
        "no_infinity",
        """(x) AS CASE WHEN typeof(x) = 'DOUBLE' AND isinf(TRY_CAST(x AS DOUBLE))
            THEN cast_to_type('not supported by the emulator: a SUM or an AVG that is infinite', x)
            ELSE x END""",
    ),
    macro(
        "orderable",
        r"""(x) AS CASE
            WHEN regexp_matches(typeof(x), '\[\]$|^STRUCT|^TUPLE|^JSON$')
            THEN error('Ordering by expressions of type ' || typeof(x) || ' is not allowed')
            ELSE bq_nan_key(x) END""",
    ),
    # No error(): a window orders by nothing that may fail.
    macro(
        "no_nan_in_range",
        """(x) AS CASE WHEN bq_is_nan(x)
            THEN cast_to_type('not supported by the emulator: NaN in a RANGE window', x)
            ELSE x END""",
    ),
    macro(
        "moderate",
        """(x) AS CASE WHEN abs(TRY_CAST(x AS DOUBLE)) > 1e150 AND isfinite(TRY_CAST(x AS DOUBLE))
            THEN error('not supported by the emulator: deviation of huge numbers')
            ELSE x END""",
    ),
    macro(
        "finite",
        """(x) AS CASE WHEN NOT isfinite(TRY_CAST(x AS DOUBLE))
            THEN error('not supported by the emulator: deviation of NaN or infinity')
            ELSE x END""",
    ),
    macro(
        "no_struct",
        """(x) AS CASE WHEN typeof(x) LIKE 'STRUCT%' OR typeof(x) LIKE 'TUPLE%'
            THEN error('not supported by the emulator: comparison of STRUCTs') ELSE x END""",
    ),
    macro(
        "comparable",
        """(x) AS CASE
            WHEN typeof(x) LIKE '%[]' OR typeof(x) = 'JSON'
            THEN error('Comparison is not defined for arguments of type ' || typeof(x))
            ELSE bq_no_struct(x) END""",
    ),
)

NUMBERS = (
    macro(
        "div",
        """(x, y) AS CASE
            WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(y) LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: division of NUMERIC')
            WHEN y = 0 THEN error('division by zero: ' || x || ' / ' || y)
            WHEN isinf(CAST(x / y AS DOUBLE)) AND isfinite(CAST(x AS DOUBLE))
            THEN error('double overflow: ' || x || ' / ' || y)
            ELSE x / y END""",
    ),
    macro(
        "avg_of",
        """(kind, x) AS CASE WHEN kind LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: AVG of NUMERIC') ELSE x END""",
    ),
    macro(
        "safe_div",
        """(x, y) AS CASE WHEN y <> 0
            AND NOT (isinf(CAST(x / y AS DOUBLE)) AND isfinite(CAST(x AS DOUBLE)))
            THEN bq_div(x, y) END""",
    ),
    macro(
        "mul",
        """(x, y) AS CASE WHEN typeof(x * y) = 'DOUBLE' AND isinf(TRY_CAST(x * y AS DOUBLE))
            AND isfinite(TRY_CAST(x AS DOUBLE)) AND isfinite(TRY_CAST(y AS DOUBLE))
            THEN error('double overflow: ' || x || ' * ' || y) ELSE x * y END""",
    ),
    *(
        macro(
            name,
            f"""(x, y) AS CASE WHEN typeof(x {sign} y) = 'DOUBLE'
            AND isinf(TRY_CAST(x {sign} y AS DOUBLE))
            AND isfinite(TRY_CAST(x AS DOUBLE)) AND isfinite(TRY_CAST(y AS DOUBLE))
            THEN error('double overflow: ' || x || ' {sign} ' || y) ELSE x {sign} y END""",
        )
        for name, sign in (("add", "+"), ("sub", "-"))
    ),
    macro("sign", "(x) AS CASE WHEN bq_is_nan(x) THEN x ELSE cast_to_type(sign(x), x) END"),
    # A function of one argument has 1 for the other.
    macro(
        "real",
        """(name, x, y, r) AS CASE
            WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(y) LIKE 'DECIMAL%'
            THEN error('not supported by the emulator: ' || name || ' of NUMERIC')
            WHEN name = 'LOG' AND (x <= 0 OR y <= 0)
            OR isnan(r) AND NOT isnan(CAST(x AS DOUBLE)) AND NOT isnan(CAST(y AS DOUBLE))
            OR isinf(r) AND isfinite(CAST(x AS DOUBLE)) AND isfinite(CAST(y AS DOUBLE))
            THEN error('Floating point error in function: ' || name || '(' || x || ')')
            ELSE r END""",
    ),
    macro("ieee_div", "(x, y) AS CAST(x AS DOUBLE) / CAST(y AS DOUBLE)"),
    *_rounding("ceil", digits=False),
    *_rounding("floor", digits=False),
    *_rounding("round", digits=True),
    *_rounding("trunc", digits=True),
)

MACROS = (*NANS, *CONVERSIONS, *MOMENTS, *NUMBERS, *TEXT, *JSON, *ARRAYS)
