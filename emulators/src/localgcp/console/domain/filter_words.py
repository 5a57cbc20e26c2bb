"""A filter's text as words: names, values, comparisons, parentheses (Cloud Logging, "Logging query
language", syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from localgcp.console.errors import BadFilter

MOST_CHARACTERS = 20_000
NAME, TEXT, COMPARISON, OPEN, CLOSE, END = "name", "text", "comparison", "(", ")", "end"
_WORD = re.compile(
    r"""
    (?P<skip>\s+|--[^\n]*)
  | (?P<comparison><=|>=|!=|=~|!~|[=<>:])
  | (?P<open>\()
  | (?P<close>\))
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<minus>-(?=[\w"'(]))
  | (?P<name>[^\s()<>=!~:"',]+(?:"(?:\\.|[^"\\])*"[^\s()<>=!~:"',]*)*)
  | (?P<comma>,)
    """,
    re.VERBOSE | re.DOTALL,
)
# After a comparison a bare value may hold colons, as a time does, and begin with a minus.
_VALUE = re.compile(r"[^\s()\"',]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}
_SEGMENT = re.compile(r'"((?:\\.|[^"\\])*)"|([^."]+)|(\.)')


@dataclass(frozen=True)
class Word:
    """One word: its kind, and what it says with its escapes undone."""

    kind: str
    said: str = ""
    at: int = 0

    def is_(self, name: str) -> bool:
        """Whether it is this bare word, in this case."""
        return self.kind == NAME and self.said == name


def words(text: str) -> Iterator[Word]:
    """Every word, then END. Raises BadFilter."""
    if len(text) > MOST_CHARACTERS:
        raise BadFilter(f"{text[:60]}…", f"it may have {MOST_CHARACTERS} characters")
    at, compared = 0, False
    while at < len(text):
        if compared and (value := _VALUE.match(text, at)):
            yield Word(NAME, value[0], at)
            at, compared = value.end(), False
            continue
        found = _WORD.match(text, at)
        if found is None:
            raise BadFilter(text, f"unexpected {text[at]!r} at character {at + 1}")
        kind, said = str(found.lastgroup), found[0]
        if kind == "text":
            yield Word(TEXT, unescaped(said[1:-1]), at)
        elif kind == "minus":
            yield Word(NAME, "NOT", at)
        elif kind != "skip":
            yield Word({"open": OPEN, "close": CLOSE}.get(kind, kind), said, at)
        at, compared = found.end(), kind == COMPARISON or (compared and kind == "skip")
    yield Word(END, "", at)


def unescaped(text: str) -> str:
    """A quoted text without its escapes; one that means nothing stands for itself."""

    def said(found: re.Match[str]) -> str:
        if code := found[1] or found[2]:
            return chr(int(code, 16))
        if found[3]:
            return chr(int(found[3], 8))
        return _LETTERS.get(found[4], found[4] if found[4] in "\"'\\" else found[0])

    return _ESCAPE.sub(said, text)


def path(name: str) -> list[str] | None:
    """A field's segments, `labels."a.b".c` say; None for what can be no field."""
    segments, wants = [], True
    for found in _SEGMENT.finditer(name):
        if found[3]:
            if wants:
                return None
            wants = True
        elif wants:
            segments.append(found[2] if found[1] is None else unescaped(found[1]))
            wants = False
        else:
            return None
    return None if wants else segments
