"""Subscription filters: the attribute language of the page "Filter messages from a subscription".

    expression = term { AND term } | term { OR term }
    term       = [ NOT | - ] ( "(" expression ")" | comparison )
    comparison = attributes:KEY | attributes.KEY ( = | != ) "VALUE"
               | hasPrefix(attributes.KEY, "VALUE")

KEY is a word, or any text in quotes. AND and OR do not mix without parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from localgcp.pubsub.errors import InvalidArgument

MAX_BYTES = 256

Filter = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z_][A-Za-z0-9_\-]*)
      | (?P<sign>!=|[=:.,()\-])
    )""",
    re.VERBOSE,
)


def parse(text: str) -> Filter:
    """Compile a filter into a predicate over a message's attributes. Raises InvalidArgument."""
    if len(text.encode()) > MAX_BYTES:
        raise InvalidArgument(f"The filter has more than {MAX_BYTES} bytes (filter={text}).")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._next = 0

    def whole(self) -> Filter:
        predicate = self._expression()
        if self._peek():
            raise self._wrong(f"{self._peek()!r} is unexpected")
        return predicate

    def _split(self) -> list[str]:
        tokens, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise self._wrong(f"cannot read {self._text[at:]!r}")
            tokens.append(match.group().strip())
            at = match.end()
        return tokens

    def _expression(self) -> Filter:
        terms = [self._term()]
        operator = self._peek()
        if operator not in ("AND", "OR"):
            return terms[0]
        while self._peek() == operator:
            self._take()
            terms.append(self._term())
        if self._peek() in ("AND", "OR"):
            raise self._wrong("AND and OR need parentheses between them")
        if operator == "AND":
            return lambda attributes: all(term(attributes) for term in terms)
        return lambda attributes: any(term(attributes) for term in terms)

    def _term(self) -> Filter:
        if self._peek() in ("NOT", "-"):
            self._take()
            inner = self._term()
            return lambda attributes: not inner(attributes)
        if self._peek() == "(":
            self._take()
            inner = self._expression()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Filter:
        if self._peek() == "hasPrefix":
            return self._has_prefix()
        self._expect("attributes")
        if self._peek() == ":":
            self._take()
            present = self._key()
            return lambda attributes: present in attributes
        self._expect(".")
        key, operator = self._key(), self._take()
        if operator not in ("=", "!="):
            raise self._wrong(f"expected = or != after attributes.{key}, not {operator!r}")
        value = self._string()
        if operator == "=":
            return lambda attributes: attributes.get(key) == value
        return lambda attributes: attributes.get(key) != value

    def _has_prefix(self) -> Filter:
        for token in ("hasPrefix", "(", "attributes", "."):
            self._expect(token)
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return lambda attributes: key in attributes and attributes[key].startswith(prefix)

    def _key(self) -> str:
        token = self._peek()
        if token.startswith('"'):
            return self._string()
        if not re.match(r"[A-Za-z_]", token):
            raise self._wrong(f"expected an attribute's key, not {token!r}")
        return self._take()

    def _string(self) -> str:
        token = self._take()
        if not token.startswith('"'):
            raise self._wrong(f"expected a text in quotes, not {token!r}")
        return re.sub(r"\\(.)", r"\1", token[1:-1])

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, wanted: str) -> None:
        token = self._take()
        if token != wanted:
            raise self._wrong(f"expected {wanted!r}, not {token or 'the end'!r}")

    def _wrong(self, why: str) -> InvalidArgument:
        return InvalidArgument(f"Invalid filter: {why} (filter={self._text}).")
