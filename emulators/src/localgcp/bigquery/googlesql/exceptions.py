"""Where BigQuery and the analyzer differ: functions of BigQuery's that ZetaSQL does not publish."""

from __future__ import annotations

import re

from localgcp.bigquery.errors import InvalidQuery, QueryFailed, SqlNotSupported

# What BigQuery does and the evaluator, as it is published, does not: no fault of the statement's.
# An array has 16,000 elements at most there, and 1,048,575 in BigQuery.
_LIMITS = re.compile(
    r"(?i:Invalid format 'base32')|exceeds max allowed output size|U_\w+_ERROR"
    r"|Cannot generate arrays with more than|function inliner cannot"
)
_GROUP = re.compile(r"(?i)(?:Templated_SQL|External)_function:")
_VARIABLE = re.compile(r"Unrecognized name: (@@[\w.]+)")
_NOT_FOUND = re.compile(r"(?:Table-valued function|Function) not found: `?([\w.`]+)")
# By the reference, "All functions" and "Machine learning functions".
BIGQUERYS = frozenset(
    (
        *("CONTAINS_SUBSTR", "TF_IDF"),
        *("VECTOR_SEARCH", "GAP_FILL", "APPENDS", "CHANGES", "EXTERNAL_QUERY"),
        *("EXTERNAL_OBJECT_TRANSFORM", "APPROX_TOP_COUNT", "APPROX_TOP_SUM", "ST_REGIONSTATS"),
        *("OBJ.FETCH_METADATA", "OBJ.GET_ACCESS_URL", "OBJ.MAKE_REF", "GROUPING", "BIT_AND"),
        *("ST_GEOGFROM", "ST_ISCLOSED", "DLP_DETERMINISTIC_ENCRYPT", "DLP_KEY_CHAIN"),
        *("DLP_DETERMINISTIC_DECRYPT", "MIN_BY", "MAX_BY"),
    )
)
FAMILIES = ("ML", "AI", "ST", "S2", "OBJ", "NET", "AEAD", "KEYS", "HLL_COUNT", "KLL_QUANTILES")


def failed(message: str) -> QueryFailed | SqlNotSupported:
    """An error of the evaluator's, or a refusal where it is a limit of its own."""
    limit = _LIMITS.search(message)
    return SqlNotSupported(message) if limit else QueryFailed(message)


def told(message: str) -> InvalidQuery:
    """The analyzer's error, or a refusal where it misses what BigQuery has."""
    message = _GROUP.sub("", message)
    variable = _VARIABLE.match(message)
    if variable:
        return SqlNotSupported(f"system variable {variable[1]}")
    if _LIMITS.search(message):
        return SqlNotSupported(message)
    missing = _NOT_FOUND.search(message)
    if missing:
        name = missing[1].replace("`", "").upper()
        family = re.split(r"[._]", name)[0]
        if name in BIGQUERYS or family in FAMILIES or name.startswith("ST_"):
            return SqlNotSupported(f"function {name}")
    return InvalidQuery(message, "query")
