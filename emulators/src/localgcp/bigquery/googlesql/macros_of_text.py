"""Macros for text, JSON and arrays; `macros` says what a macro is for, and has the others."""

from __future__ import annotations


def macro(name: str, *overloads: str) -> str:
    """The statement that makes `bq_NAME`, each overload as `(parameters) AS body`."""
    return f"CREATE MACRO bq_{name} {', '.join(overloads)}"


MAX_TEXT = 1 << 20  # ZetaSQL gives REPEAT, LPAD and RPAD no more than that

TEXT = (
    macro(
        "size",
        f"""(n, name) AS CASE
            WHEN n < 0 THEN error('Third argument in ' || name || ' cannot be negative')
            WHEN n > {MAX_TEXT} THEN error('Output of ' || name || ' exceeds max allowed size')
            ELSE n END""",
    ),
    # Limited twice, since DuckDB computes what is constant before it asks the CASE.
    macro(
        "repeat",
        f"""(x, n) AS CASE WHEN n < 0 THEN error('Repetitions of REPEAT cannot be negative')
            WHEN n > {MAX_TEXT} OR n * octet_length(CAST(x AS BLOB)) > {MAX_TEXT}
            THEN error('Output of REPEAT exceeds max allowed size')
            ELSE repeat(x, greatest(least(n, {MAX_TEXT}), 0)) END""",
    ),
    macro(
        "text_only",
        """(x) AS CASE WHEN typeof(x) = 'BLOB'
            THEN error('not supported by the emulator: STRING_AGG of BYTES') ELSE x END""",
    ),
    macro("length", "(x VARCHAR) AS length(x)", "(x BLOB) AS octet_length(x)"),
    macro("length_double", "(x) AS length(x)"),
    # Position 0 means 1, and one before the start means the start.
    macro(
        "substr",
        "(x, pos) AS substr(x, CASE pos WHEN 0 THEN 1 ELSE greatest(pos, -length(x)) END)",
        "(x, pos, n) AS substr(x, CASE pos WHEN 0 THEN 1 ELSE greatest(pos, -length(x)) END, n)",
    ),
    macro(
        "split",
        """(x, sep) AS CASE WHEN sep IS NULL THEN NULL
            WHEN x = '' THEN [''] ELSE string_split(x, sep) END""",
    ),
)

JSON = (
    # DuckDB writes a number of a text anew: 2.50 becomes 2.5.
    macro(
        "json_plain",
        r"""(j, matters) AS CASE WHEN typeof(j) = 'VARCHAR' AND matters AND regexp_matches(
            CAST(j AS VARCHAR), '[0-9]\.[0-9]*0([^0-9]|$)|[0-9][eE][-+]?[0-9]|[0-9.]{17,}')
            THEN error('not supported by the emulator: JSON text with such a number')
            ELSE j END""",
    ),
    # NULL for an object or an array.
    macro(
        "json_value",
        """(j, path) AS CASE WHEN json_type(j, path) NOT IN ('OBJECT', 'ARRAY', 'NULL')
            THEN json_extract_string(bq_json_plain(j, json_type(j, path) = 'DOUBLE'), path) END""",
    ),
    # Types and values that DuckDB writes otherwise are refused.
    macro(
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
    macro(
        "json_query",
        """(j, path) AS CASE WHEN typeof(j) <> 'VARCHAR' OR json_type(j, path) <> 'NULL'
            THEN cast_to_type(json_extract(bq_json_plain(j, true), path), j) END""",
    ),
)

ARRAYS = (
    macro(
        "concat",
        "(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN list_concat(a, b) END",
    ),
    macro(
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
    macro(
        "at",
        """(a, i) AS CASE WHEN a IS NULL OR i IS NULL THEN NULL WHEN i < 0 OR i >= len(a)
            THEN error('Array index ' || i || ' is out of bounds') ELSE a[i + 1] END""",
    ),
    macro("step", "(x) AS CASE WHEN x = 0 THEN error('Sequence step cannot be 0') ELSE x END"),
    macro(
        "interval_step",
        "(x) AS CASE WHEN x = to_days(0) THEN error('Sequence step cannot be 0') ELSE x END",
    ),
    macro("safe_at", "(a, i) AS CASE WHEN i >= 0 AND i < len(a) THEN a[i + 1] END"),
)
