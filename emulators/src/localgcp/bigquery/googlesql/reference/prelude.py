"""BigQuery's functions that the evaluator lacks, as functions in SQL over those that it has.

The approximate ones are exact here. A sketch of HLL_COUNT is the list of the fingerprints that it
has seen: what is extracted of it is exact too, and its bytes are not Google's.
"""

from __future__ import annotations

from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public.builtin_function_pb2 import FunctionSignatureId

from localgcp.bigquery.catalog.routine import Argument, Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.googlesql.reference import routines
from localgcp.bigquery.googlesql.reference.trees import home

_INTEGER, _TEXT, _BYTES = Field("", "INTEGER"), Field("", "STRING"), Field("", "BYTES")


def _function(
    name: str, arguments: str, body: str, returns: Field | None = None, kind: str = "SCALAR"
) -> Routine:
    """`arguments` are names; one after `/` is a constant INT64 of an aggregate."""
    values, _, constants = arguments.partition("/")
    listed = [Argument(each) for each in values.split()]
    listed += [Argument(each, _INTEGER, aggregate=False) for each in constants.split()]
    return Routine(kind, tuple(name.split(".")), tuple(listed), returns, body)


def _aggregate(name: str, arguments: str, body: str, returns: Field | None = None) -> Routine:
    return _function(name, arguments, body, returns, "AGGREGATE")


_APPROXIMATE = (
    # The value at the end of each of n equal parts, NULL left out.
    _function(
        "_localgcp_quantiles",
        "xs n",
        """IF(n < 1, ERROR('The number of quantiles must be positive'),
        (SELECT ARRAY_AGG(a.xs[OFFSET(GREATEST(
            DIV(ARRAY_LENGTH(a.xs) * i + n - 1, n) - 1, 0))] ORDER BY i)
        FROM (SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x) AS xs FROM UNNEST(xs) AS x) AS a,
        UNNEST(GENERATE_ARRAY(0, n)) AS i WHERE a.xs IS NOT NULL))""",
    ),
    _aggregate("approx_quantiles", "x / n", "_localgcp_quantiles(ARRAY_AGG(x), n)"),
    _function(
        "_localgcp_top_count",
        "xs n",
        """(SELECT ARRAY_AGG(STRUCT(x AS value, c AS count) ORDER BY c DESC, place LIMIT 1000)
        FROM (SELECT x, COUNT(*) AS c, MIN(place) AS place, ROW_NUMBER() OVER (
            ORDER BY COUNT(*) DESC, MIN(place)) AS number
            FROM UNNEST(xs) AS x WITH OFFSET AS place GROUP BY x) WHERE number <= n)""",
    ),
    _aggregate("approx_top_count", "x / n", "_localgcp_top_count(ARRAY_AGG(x), n)"),
    _function(
        "_localgcp_top_sum",
        "xs n",
        """(SELECT ARRAY_AGG(STRUCT(x AS value, s AS sum) ORDER BY number)
        FROM (SELECT e.x AS x, SUM(e.w) AS s, ROW_NUMBER() OVER (
            ORDER BY SUM(e.w) DESC, MIN(place)) AS number
            FROM UNNEST(xs) AS e WITH OFFSET AS place GROUP BY e.x) WHERE number <= n)""",
    ),
    _aggregate(
        "approx_top_sum",
        "x weight / n",
        """_localgcp_top_sum(ARRAY_AGG(STRUCT(x AS x,
        IF(weight < 0, ERROR('Weight must not be negative'), weight) AS w)), n)""",
    ),
)

# A sketch is a mark, the type of what it has seen, and the fingerprints, with colons between.
_PRINTS = """IF(STARTS_WITH(sketch, b'localgcp-hll:'), SPLIT(SPLIT(SAFE_CONVERT_BYTES_TO_STRING(
sketch), ':')[SAFE_OFFSET(2)], ','),
ERROR('not supported by the emulator: a sketch that it has not made'))"""
_UNION = f"""FROM (SELECT print, SPLIT(SAFE_CONVERT_BYTES_TO_STRING(sketch), ':')[OFFSET(1)] AS kind
FROM UNNEST(sketches) AS sketch, UNNEST({_PRINTS}) AS print WHERE sketch IS NOT NULL)"""
_ALIKE = "IF(COUNT(DISTINCT kind) > 1, ERROR('Invalid or incompatible sketch in HLL_COUNT'), {})"
_SKETCH = "CAST('localgcp-hll:' || {} || ':' || STRING_AGG(DISTINCT print ORDER BY print) AS BYTES)"
_HLL = (
    _function(
        "_localgcp_sketch",
        "xs",
        f"""(SELECT {_SKETCH.format("TYPEOF(xs)")}
        FROM (SELECT CAST(FARM_FINGERPRINT(FORMAT('%T', x)) AS STRING) AS print
        FROM UNNEST(xs) AS x WHERE x IS NOT NULL))""",
        _BYTES,
    ),
    _aggregate("hll_count.init", "x", "_localgcp_sketch(ARRAY_AGG(x))", _BYTES),
    _function(
        "_localgcp_merged",
        "sketches",
        f"(SELECT {_ALIKE.format(_SKETCH.format('MIN(kind)'))} {_UNION})",
        _BYTES,
    ),
    _function(
        "_localgcp_union_size",
        "sketches",
        f"(SELECT {_ALIKE.format('COUNT(DISTINCT print)')} {_UNION})",
        _INTEGER,
    ),
    _function(
        "hll_count.extract",
        "sketch",
        f"IF(sketch IS NULL, 0, ARRAY_LENGTH({_PRINTS}))",
        _INTEGER,
    ),
    _aggregate("hll_count.merge_partial", "sketch", "_localgcp_merged(ARRAY_AGG(sketch))", _BYTES),
    _aggregate(
        "hll_count.merge",
        "sketch",
        "_localgcp_union_size(ARRAY_AGG(sketch))",
        _INTEGER,
    ),
)
# Nobody is known here by name.
_CALLER = (_function("session_user", "", "'nobody@localgcp.invalid'", _TEXT),)
PRELUDE = {".".join(each.path): each for each in (*_APPROXIMATE, *_HLL, *_CALLER)}


def lacking(functions: frozenset[str]) -> frozenset[str]:
    """Which of a statement's functions stand here."""
    return functions & PRELUDE.keys()


def put_in(catalog: c.SimpleCatalogProto) -> None:
    """Have them in a catalog in place of the evaluator's own, which are names alone."""
    prefixes = tuple(f"FN_{name.replace('.', '_').upper()}" for name in PRELUDE)
    ids = [value for name, value in FunctionSignatureId.items() if name.startswith(prefixes)]
    catalog.builtin_function_options.exclude_function_ids.extend(ids)
    for routine in PRELUDE.values():
        routines.add(home(catalog, routine.path), routine)
