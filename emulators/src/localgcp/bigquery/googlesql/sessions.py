"""RANGE_SESSIONIZE as the query that it stands for.

Range functions, "RANGE_SESSIONIZE": ranges of a partition that overlap, or meet as well, are of one
session; each row gets its session's range. A range that is NULL is refused: the page does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql import texts

_NAME = "RANGE_SESSIONIZE"
_TEXT = re.compile(r"""(["'])([^"'\\]*)\1""")
_LIST = re.compile(r"\[([^\[\]]*)\]")
# Which of two neighbours begins a session, by how they have to touch.
_APART = {"MEETS": ">", "OVERLAPS": ">="}
# What the query reckons with: bounds, whether there are none, places, and numbers of sessions.
_COLUMNS = tuple(
    f"_localgcp_{name}"
    for name in ("open", "low", "endless", "high", "at", "so_far", "held", "place")
)


def written_out(sql: str) -> str:
    """A text with a query for each of its calls.

    Raises InvalidQuery, SqlNotSupported for arguments that are not literals.
    """
    while (call := texts.last_call(sql, _NAME)) is not None:
        arguments = [text.strip() for text in call.arguments]
        sql = sql[: call.start] + _query(arguments) + sql[call.end :]
    return sql


def _query(arguments: Sequence[str]) -> str:
    if not 3 <= len(arguments) <= 4:
        raise InvalidQuery(f"{_NAME} takes three or four arguments", "query")
    relation = re.sub(r"(?i)^TABLE\s+", "", arguments[0])
    column = f"`{_literal(arguments[1])}`"
    listed = _LIST.fullmatch(arguments[2])
    if listed is None:
        raise SqlNotSupported(f"{_NAME} with partitioning columns that are no literal")
    names = [_literal(each.strip()) for each in listed[1].split(",") if each.strip()]
    how = _literal(arguments[3]).upper() if len(arguments) == 4 else "MEETS"
    if how not in _APART:
        raise InvalidQuery(
            f"{_NAME}: sessionize option {how} is neither MEETS nor OVERLAPS", "query"
        )
    by = f"PARTITION BY {', '.join(f'`{name}`' for name in names)} " if names else ""
    listed_by = f"PARTITION BY {', '.join([*(f'`{name}`' for name in names), '_localgcp_at'])}"
    rows = f"{by}ORDER BY _localgcp_place ROWS"
    before = f"({rows} BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    start, end = f"RANGE_START({column})", f"RANGE_END({column})"
    # The analyzer has no window within IF, so that each is a column first.
    return (
        f"(SELECT * EXCEPT ({', '.join(_COLUMNS)}), RANGE(IF(_localgcp_open, NULL, _localgcp_low),"
        " IF(_localgcp_endless, NULL, _localgcp_high)) AS session_range"
        f" FROM (SELECT *, LOGICAL_OR({start} IS NULL) OVER ({listed_by}) AS _localgcp_open,"
        f" MIN({start}) OVER ({listed_by}) AS _localgcp_low,"
        f" LOGICAL_OR({end} IS NULL) OVER ({listed_by}) AS _localgcp_endless,"
        f" MAX({end}) OVER ({listed_by}) AS _localgcp_high"
        f" FROM (SELECT *, COUNTIF({start} {_APART[how]} _localgcp_so_far AND NOT _localgcp_held)"
        f" OVER ({rows} UNBOUNDED PRECEDING) AS _localgcp_at"
        f" FROM (SELECT *, MAX({end}) OVER {before} AS _localgcp_so_far,"
        f" LOGICAL_OR({end} IS NULL) OVER {before} AS _localgcp_held"
        f" FROM (SELECT *, ROW_NUMBER() OVER ({by}ORDER BY {start}, {end}) AS _localgcp_place"
        f" FROM {relation} WHERE IF({column} IS NULL, ERROR('not supported by the emulator:"
        f" {_NAME} of a range that is NULL'), TRUE))))))"
    )


def _literal(text: str) -> str:
    found = _TEXT.fullmatch(text)
    if found is None or "`" in found[2]:
        raise SqlNotSupported(f"{_NAME} with {text} where a literal is wanted")
    return found[2]
