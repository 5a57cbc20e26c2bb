"""SEARCH, TEXT_ANALYZE and BAG_OF_WORDS, by the pages "Search functions" and "Text analysis".

Where a page leaves open what is found, and the readings differ, the statement is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from localgcp.bigquery.catalog.routine import Argument, Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.googlesql.reference.callbacks import CALL, CallFailed, Function
from localgcp.bigquery.googlesql.reference.written import TEXT, function

# Text analysis, "LOG_ANALYZER": the longer of these first.
_DELIMITER = re.compile(
    r"%(?:2526|2520|21|26|3[Bb]|7[Cc]|20|2[Bb]|3[Dd]|5[Dd]|5[Bb]|3[Aa]|0[Aa]|2[Cc]|28|29)"
    r"""|[\[\]<>(){}|!;,'"*&?+/:=@.\-$%\\_\n\r \t]"""
)
# Search functions, "Rules for search_query": what is to be escaped, and what is to be in backticks.
_RESERVED = re.compile(r"""[\[\]<>(){}|!'"*&?+/:=\-\\~^]""")
_WORDS = {"AND", "NOT", "OR", "IN", "NEAR"}
_CAPITALS = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_PATTERN = re.compile(r"\b\w{2,}\b", re.ASCII)  # that of PATTERN_ANALYZER where none is given

TEXT_ANALYSIS = (
    function(
        "bag_of_words",
        "document",
        """ARRAY(SELECT AS STRUCT term, COUNT(*) AS count FROM UNNEST(document) AS term
        GROUP BY term ORDER BY term)""",
    ),
    Routine(
        "SCALAR",
        ("text_analyze",),
        (
            Argument("text", TEXT),
            Argument("analyzer", TEXT, default="LOG_ANALYZER"),
            Argument("analyzer_options", TEXT, default=""),
        ),
        Field("", "STRING", "REPEATED"),
        f"""JSON_VALUE_ARRAY({CALL}('text_analyze',
        TO_JSON_STRING(STRUCT(text, analyzer, analyzer_options))))""",
    ),
    Routine(
        "SCALAR",
        ("search",),
        (
            Argument("data"),
            Argument("query", TEXT),
            Argument("json_scope", TEXT, default=""),
            Argument("analyzer", TEXT, default="LOG_ANALYZER"),
            Argument("analyzer_options", TEXT, default=""),
        ),
        Field("", "BOOLEAN"),
        f"""CAST({CALL}('search', TO_JSON_STRING(STRUCT(TYPEOF(data) AS type, data, query,
        json_scope, analyzer, analyzer_options))) AS BOOL)""",
    ),
)


def _refuse(what: str) -> CallFailed:
    return CallFailed(f"not supported by the emulator: {what}")


def _analyzed(text: str, analyzer: str, options: str) -> list[str]:
    """The tokens of a text, in its order. Raises CallFailed."""
    if options:
        raise _refuse("analyzer_options")
    if analyzer == "NO_OP_ANALYZER":
        return [text]
    if analyzer == "LOG_ANALYZER":
        return [token for token in _DELIMITER.split(text.translate(_CAPITALS)) if token]
    if analyzer == "PATTERN_ANALYZER":
        if not text.isascii():
            raise _refuse("PATTERN_ANALYZER for a text that is not ASCII")
        return _PATTERN.findall(text.lower())
    raise CallFailed(f"Invalid analyzer: {analyzer}")


def _text_analyze(argument: str) -> str | None:
    asked = json.loads(argument)
    if asked["text"] is None:
        return None
    return json.dumps(_analyzed(asked["text"], asked["analyzer"], asked["analyzer_options"]))


def _search(argument: str) -> str:
    asked = json.loads(argument)
    query, analyzer, options = asked["query"], asked["analyzer"], asked["analyzer_options"]
    if query is None:
        raise CallFailed("The search_query of SEARCH must not be NULL")
    if asked["json_scope"]:
        raise _refuse("json_scope of SEARCH")
    terms = _terms(query, analyzer, options)
    texts = list(_texts(asked["type"], asked["data"]))
    return str(_is_found(terms, texts, analyzer, options)).lower()


def _terms(query: str, analyzer: str, options: str) -> list[list[str]]:
    """What a query looks for: a list of tokens for each word of it. Raises CallFailed."""
    if analyzer == "NO_OP_ANALYZER":
        return [_analyzed(query, analyzer, options)]
    if "`" in query or _RESERVED.search(query):
        raise _refuse("a search_query with backticks or characters that are to be escaped")
    words = query.split()
    if _WORDS.intersection(word.upper() for word in words):
        raise _refuse(f"a search_query with the words {', '.join(sorted(_WORDS))}")
    terms = [term for word in words if (term := _analyzed(word, analyzer, options))]
    if not terms:
        raise CallFailed("The search_query of SEARCH has no tokens")
    return terms


def _is_found(terms: list[list[str]], texts: list[str], analyzer: str, options: str) -> bool:
    """Whether each token is there; raises CallFailed where it matters how they are together."""
    tokens = [_analyzed(text, analyzer, options) for text in texts]
    wanted = {token for term in terms for token in term}
    if not wanted <= {token for each in tokens for token in each}:
        return False
    if any(all(_holds(each, term) for term in terms) for each in tokens):
        return True
    raise _refuse("SEARCH for what is there, but not in one text and in the query's order")


def _holds(tokens: list[str], term: list[str]) -> bool:
    """Whether the tokens of a term stand there one after the other."""
    starts = range(len(tokens) - len(term) + 1)
    return any(tokens[at : at + len(term)] == term for at in starts)


def _texts(kind: str, data: Any) -> Iterator[str]:
    """The strings in what is searched; other types hold none. Raises CallFailed."""
    if "JSON" in re.findall(r"\w+", kind):
        raise _refuse("SEARCH in JSON")
    if data is None:
        return
    if kind == "STRING":
        yield data
    elif kind.startswith("ARRAY<"):
        for each in data:
            yield from _texts(kind[6:-1], each)
    elif kind.startswith("STRUCT<"):
        members = list(_members(kind[7:-1]))
        if len(members) != len(data):
            raise _refuse("SEARCH in a STRUCT two of whose fields have one name")
        for member, value in zip(members, data.values(), strict=True):
            yield from _texts(member, value)


def _members(kinds: str) -> Iterator[str]:
    """The types of a STRUCT's fields, as TYPEOF writes them, without the names."""
    depth = start = 0
    for place, letter in enumerate([*kinds, ","]):
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            member = kinds[start:place].strip()
            yield re.sub(r"^(?:`[^`]*`|\w+) (?=\w)", "", member)
            start = place + 1


FUNCTIONS: dict[str, Function] = {"text_analyze": _text_analyze, "search": _search}
"""What their SQL calls."""
