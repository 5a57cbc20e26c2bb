"""BigQuery's functions that the evaluator lacks, as functions in SQL over those that it has.

The approximate ones are exact here.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Iterable

from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public.builtin_function_pb2 import FunctionSignatureId

from localgcp.bigquery.googlesql.reference import routines, text_analysis
from localgcp.bigquery.googlesql.reference.callbacks import CALL, CallFailed, Function
from localgcp.bigquery.googlesql.reference.sketches import HLL, KLL
from localgcp.bigquery.googlesql.reference.text_analysis import TEXT_ANALYSIS
from localgcp.bigquery.googlesql.reference.trees import home
from localgcp.bigquery.googlesql.reference.written import BYTES, TEXT, aggregate, function

_APPROXIMATE = (
    # The value at the end of each of n equal parts, NULL left out.
    function(
        "_localgcp_quantiles",
        "xs n",
        """IF(n < 1, ERROR('The number of quantiles must be positive'),
        IF(xs IS NULL, NULL, (SELECT ARRAY_AGG(a.xs[OFFSET(GREATEST(
            DIV(ARRAY_LENGTH(a.xs) * i + n - 1, n) - 1, 0))] ORDER BY i)
        FROM (SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x) AS xs FROM UNNEST(xs) AS x) AS a,
        UNNEST(GENERATE_ARRAY(0, n)) AS i WHERE a.xs IS NOT NULL)))""",
    ),
    aggregate("approx_quantiles", "x / n", "_localgcp_quantiles(ARRAY_AGG(x), n)"),
    function(
        "_localgcp_top_count",
        "xs n",
        """(SELECT ARRAY_AGG(STRUCT(x AS value, c AS count) ORDER BY c DESC, place LIMIT 1000)
        FROM (SELECT x, COUNT(*) AS c, MIN(place) AS place, ROW_NUMBER() OVER (
            ORDER BY COUNT(*) DESC, MIN(place)) AS number
            FROM UNNEST(xs) AS x WITH OFFSET AS place GROUP BY x) WHERE number <= n)""",
    ),
    aggregate("approx_top_count", "x / n", "_localgcp_top_count(ARRAY_AGG(x), n)"),
    function(
        "_localgcp_top_sum",
        "xs n",
        """(SELECT ARRAY_AGG(STRUCT(x AS value, s AS sum) ORDER BY number)
        FROM (SELECT e.x AS x, SUM(e.w) AS s, ROW_NUMBER() OVER (
            ORDER BY SUM(e.w) DESC, MIN(place)) AS number
            FROM UNNEST(xs) AS e WITH OFFSET AS place GROUP BY e.x) WHERE number <= n)""",
    ),
    aggregate(
        "approx_top_sum",
        "x weight / n",
        """_localgcp_top_sum(ARRAY_AGG(STRUCT(x AS x,
        IF(weight < 0, ERROR('Weight must not be negative'), weight) AS w)), n)""",
    ),
)

# Written out where they are asked for; their bytes come and go as hexadecimal digits.
_BASE32 = (
    function("to_base32", "raw", f"IF(raw IS NULL, NULL, {CALL}('to_base32', TO_HEX(raw)))", TEXT),
    function(
        "from_base32",
        "text",
        f"IF(text IS NULL, NULL, FROM_HEX({CALL}('from_base32', CAST(text AS STRING))))",
        BYTES,
    ),
)
# Nobody is known here by name.
_CALLER = (function("session_user", "", "'nobody@localgcp.invalid'", TEXT),)
PRELUDE = {".".join(each.path): each for each in (*_APPROXIMATE, *HLL, *KLL, *_BASE32, *_CALLER)}
# What the analyzer does not know, and calls that go out of the instance, by the words of a text.
_ADDED = {each.path[0]: each for each in TEXT_ANALYSIS}
_CALLS = re.compile(rf"(?i)\b(?:{'|'.join((*_ADDED, 'to_base32', 'from_base32'))})\s*\(")


def _from_base32(text: str) -> str:
    try:
        return b32decode(text).hex()
    except ValueError as error:
        raise CallFailed(f"Failed to decode invalid base32 string: {text}") from error


def lacking(functions: frozenset[str]) -> frozenset[str]:
    """Which of a statement's functions stand here."""
    return functions & PRELUDE.keys()


def put_in(catalog: c.SimpleCatalogProto) -> None:
    """Have them in a catalog in place of the evaluator's own, which are names alone."""
    prefixes = tuple(f"FN_{name.replace('.', '_').upper()}" for name in PRELUDE)
    prefixes += ("FN_KLL_QUANTILES_",)  # all, for a catalog has one folder of a name
    ids = [value for name, value in FunctionSignatureId.items() if name.startswith(prefixes)]
    catalog.builtin_function_options.exclude_function_ids.extend(ids)
    for routine in PRELUDE.values():
        routines.add(home(catalog, routine.path), routine)


def calls_out(texts: Iterable[str]) -> bool:
    """Whether one of these texts may call what goes out of the instance."""
    return any(_CALLS.search(text) for text in texts)


def add_to(catalog: c.SimpleCatalogProto, taken: set[str]) -> None:
    """Have in a catalog what no analyzer knows, but for names that a function of its own has."""
    for name in _ADDED.keys() - taken:
        routines.add(catalog, _ADDED[name])


FUNCTIONS: dict[str, Function] = {
    "to_base32": lambda digits: b32encode(bytes.fromhex(digits)).decode(),
    "from_base32": _from_base32,
    **text_analysis.FUNCTIONS,
}
"""What they call."""
