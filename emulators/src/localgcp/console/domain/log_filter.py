"""Which log entries a filter takes: Cloud Logging's query language, of the common kind.

NOT binds first, then OR, then AND, and two comparisons side by side are an AND. Texts are compared
whatever their case. The functions but `log_id` are refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from localgcp.console.domain.filter_words import (
    CLOSE,
    COMPARISON,
    END,
    NAME,
    OPEN,
    TEXT,
    Word,
    path,
    words,
)
from localgcp.console.errors import BadFilter, NotSupported

Entry = Mapping[str, Any]
Takes = Callable[[Entry], bool]
SEVERITIES = {
    "DEFAULT": 0,
    "DEBUG": 100,
    "INFO": 200,
    "NOTICE": 300,
    "WARNING": 400,
    "ERROR": 500,
    "CRITICAL": 600,
    "ALERT": 700,
    "EMERGENCY": 800,
}
# Of the type LogEntry itself; what is missing in a payload or a label fails every comparison.
_DEFAULTED = ("textPayload", "trace", "spanId")
_TIMES = ("timestamp", "receiveTimestamp")
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
}
MOST_DEPTH = 100


def compiled(text: str) -> Takes:
    """Read a filter; "" takes every entry. Raises BadFilter, NotSupported."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._words = text, list(words(text))
        self._at = self._depth = 0

    @property
    def _now(self) -> Word:
        return self._words[self._at]

    def _take(self) -> Word:
        word = self._now
        self._at += word.kind != END
        return word

    def _bad(self, rule: str) -> BadFilter:
        return BadFilter(self._text, f"{rule} at character {self._now.at + 1}")

    def whole(self) -> Takes:
        if self._now.kind == END:
            return lambda entry: True
        found = self._all()
        if self._now.kind != END:
            raise self._bad(f"unexpected {self._now.said!r}")
        return found

    def _all(self) -> Takes:
        """Comparisons with AND between them, or nothing."""
        parts = [self._any()]
        while self._now.kind not in (END, CLOSE):
            if self._now.is_("AND"):
                self._take()
            parts.append(self._any())
        return lambda entry: all(part(entry) for part in parts)

    def _any(self) -> Takes:
        parts = [self._not()]
        while self._now.is_("OR"):
            self._take()
            parts.append(self._not())
        return lambda entry: any(part(entry) for part in parts)

    def _not(self) -> Takes:
        if self._now.is_("NOT"):
            self._take()
            inner = self._deeper(self._not)
            return lambda entry: not inner(entry)
        if self._now.kind == OPEN:
            return self._enclosed(self._all)
        return self._comparison()

    def _deeper(self, read: Callable[[], Takes]) -> Takes:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._bad(f"more than {MOST_DEPTH} levels")
        found = read()
        self._depth -= 1
        return found

    def _enclosed(self, read: Callable[[], Takes]) -> Takes:
        self._take()
        found = self._deeper(read)
        if self._take().kind != CLOSE:
            raise self._bad("a parenthesis is not closed")
        return found

    def _comparison(self) -> Takes:
        word = self._take()
        if word.kind not in (NAME, TEXT) or word.said in ("AND", "OR"):
            raise self._bad(f"unexpected {word.said or 'end'!r}")
        if self._now.kind == COMPARISON:
            field = path(word.said) if word.kind == NAME else [word.said]
            if not field:
                raise self._bad(f"{word.said!r} is no field")
            return self._against(field, self._take().said)
        if self._now.kind == OPEN and word.kind == NAME:
            return self._function(word.said)
        said = word.said.lower()
        return lambda entry: any(said in each.lower() for each in _texts(entry))

    def _function(self, name: str) -> Takes:
        if name != "log_id":
            raise NotSupported(f"the function {name} in a filter")
        self._take()
        given = self._take()
        if given.kind not in (NAME, TEXT) or self._take().kind != CLOSE:
            raise self._bad("log_id takes one text")
        end = f"/logs/{quote(given.said, safe='')}"
        return lambda entry: str(entry.get("logName", "")).endswith(end)

    def _against(self, field: list[str], comparison: str) -> Takes:
        """A field against a value, or against several: `field=("a" OR "b")`."""
        if self._now.kind != OPEN:
            return self._value(field, comparison)

        def several() -> Takes:
            parts = [one()]
            any_of = self._now.is_("OR")
            while self._now.is_("OR" if any_of else "AND"):
                self._take()
                parts.append(one())
            return lambda entry: (any if any_of else all)(part(entry) for part in parts)

        def one() -> Takes:
            if self._now.is_("NOT"):
                self._take()
                inner = one()
                return lambda entry: not inner(entry)
            return self._value(field, comparison)

        return self._enclosed(several)

    def _value(self, field: list[str], comparison: str) -> Takes:
        word = self._take()
        if word.kind not in (NAME, TEXT):
            raise self._bad(f"a value should stand after {comparison!r}")
        if comparison == ":" and word.is_("*"):
            return lambda entry: any(each != "" for each in _found(entry, field))
        matches = self._matcher(field, comparison, word.said)
        return lambda entry: any(matches(each) for each in _found(entry, field))

    def _matcher(self, field: list[str], comparison: str, said: str) -> Callable[[Any], bool]:
        if comparison in ("=~", "!~"):
            return self._pattern(said, comparison == "=~")
        if comparison == ":":
            wanted = said.lower()
            return lambda found: any(wanted in each.lower() for each in _texts(found))
        compare = _ORDERED[comparison]
        if field == ["severity"]:
            rank = SEVERITIES.get(said.upper())
            if rank is None:
                raise self._bad(f"{said!r} is no severity")
            return lambda found: compare(SEVERITIES.get(str(found), 0), rank)
        if len(field) == 1 and field[0] in _TIMES:
            moment = self._moment(said)
            return lambda found: compare(datetime.fromisoformat(found), moment)
        return lambda found: _compared(compare, found, said)

    def _pattern(self, said: str, wanted: bool) -> Callable[[Any], bool]:
        try:
            pattern = re.compile(said)
        except re.error as error:
            raise self._bad(f"{said!r} is no regular expression: {error}") from error
        return lambda found: any(pattern.search(each) for each in _texts(found)) is wanted

    def _moment(self, said: str) -> datetime:
        try:
            found = datetime.fromisoformat(said)
        except ValueError as error:
            raise self._bad(f"{said!r} is no time by RFC 3339") from error
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _compared(compare: Callable[[Any, Any], bool], found: Any, said: str) -> bool:
    if isinstance(found, bool):
        return compare(str(found).lower(), said.lower())
    if isinstance(found, int | float):
        try:
            return compare(float(found), float(said))
        except ValueError:
            return False
    return isinstance(found, str) and compare(found.lower(), said.lower())


def _found(entry: Entry, field: list[str]) -> list[Any]:
    """The values at a path, [] where there is none; a list stands for each of its members."""
    if len(field) == 1 and field[0] in _DEFAULTED:
        return [entry.get(field[0], "")]
    found: list[Any] = [entry]
    for name in field:
        found = [each[name] for each in found if isinstance(each, Mapping) and name in each]
        found = [one for each in found for one in (each if isinstance(each, list) else [each])]
    return found


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, at any depth."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield value if isinstance(value, str) else json.dumps(value)
