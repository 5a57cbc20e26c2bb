"""Patterns of object names, by "Filter results by glob expression" of "List objects"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from localgcp.storage.errors import Invalid

MAX_ALTERNATIVES = 1000
_TOKEN = re.compile(
    r"(?P<folders>(?:(?<=/)|\A)\*\*/)|(?P<all>\*\*)|(?P<any>\*)|(?P<one>\?)"
    r"|\[(?P<not>!?)(?P<set>\]?[^\]]*)\]|\\(?P<escaped>.)|(?P<letter>.)",
    re.DOTALL,
)


def compiled(glob: str) -> re.Pattern[str]:
    """A regular expression that a whole name must match.

    `*` and `?` stop at a slash, `**` does not, and `**/` may also be nothing; `[a-z]`, `[!a-z]`;
    `{one,other}`. Raises Invalid for brackets that do not close.
    """
    try:
        return re.compile("|".join(map(_expression, _alternatives(glob, glob))), re.DOTALL)
    except re.error as error:
        raise Invalid(
            "matchGlob", glob, f"its brackets are no set of characters: {error}"
        ) from None


def _alternatives(glob: str, whole: str) -> list[str]:
    """The globs without braces that a glob with braces stands for."""
    begin = glob.find("{")
    if begin < 0:
        return [glob]
    end = glob.find("}", begin)
    if end < 0 or "{" in glob[begin + 1 : end]:
        raise Invalid("matchGlob", whole, "a brace closes, and holds no other")
    rest = _alternatives(glob[end + 1 :], whole)
    found = [
        glob[:begin] + choice + after
        for choice in glob[begin + 1 : end].split(",")
        for after in rest
    ]
    if len(found) > MAX_ALTERNATIVES:
        raise Invalid("matchGlob", whole, f"its braces give over {MAX_ALTERNATIVES} patterns")
    return found


def _expression(glob: str) -> str:
    return "".join(_parts(glob))


def _parts(glob: str) -> Iterator[str]:
    for token in _TOKEN.finditer(glob):
        found = token.groupdict()
        if found["folders"]:
            yield "(?:.*/)?"
        elif found["all"]:
            yield ".*"
        elif found["any"]:
            yield "[^/]*"
        elif found["one"]:
            yield "[^/]"
        elif found["set"] is not None:
            letters = re.sub(r"([\\\[\]^&~|])", r"\\\1", found["set"])
            yield f"(?!/)[{'^' if found['not'] else ''}{letters}]"
        else:
            yield re.escape(found["escaped"] or found["letter"])
