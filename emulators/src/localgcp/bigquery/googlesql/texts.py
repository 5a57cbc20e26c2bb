"""GoogleSQL as text, without a parser: its tokens, quoted paths, and places in it."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?sx)
    (?P<other>
        '''(?:\\.|.)*?''' | \"\"\"(?:\\.|.)*?\"\"\"      # strings
      | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*"
      | \#[^\n]* | --[^\n]* | /\*.*?\*/                  # comments
    )
    | `(?P<path>(?:\\.|[^`\\])*)`
    | (?P<word>[A-Za-z_@]\w*)
    | (?P<end>;)
    """
)
_TABLE_PATH = re.compile(
    r"""(?ix)(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE|VIEW|MERGE|USING|EXISTS|DELETE)\b|,)\s*
    (?:(?:`[^`]*`|[\w-]+)\s*\.\s*)+$"""
)
_PLACE = re.compile(r" \[at (\d+):(\d+)\]")
_SCRIPT = {"DECLARE", "SET", "IF", "LOOP", "WHILE", "REPEAT", "FOR", "BEGIN", "CASE", "CALL"} | {
    *("EXECUTE", "RAISE", "RETURN", "BREAK", "LEAVE", "CONTINUE", "ITERATE"),
    *("COMMIT", "ROLLBACK"),
}


def is_script(sql: str) -> bool:
    """Whether it is more than one statement, or a statement of the procedural language."""
    ended = first = False
    for token in _TOKEN.finditer(sql):
        if token["end"]:
            ended = True
        elif token["word"] or token["path"]:
            if ended or (not first and (token["word"] or "").upper() in _SCRIPT):
                return True
            first = True
    return False


def first_word(sql: str) -> str:
    """The word that a statement begins with, in capitals; "" for none."""
    words = (token["word"] for token in _TOKEN.finditer(sql) if token["word"] or token["path"])
    return (next(words, "") or "").upper()


_CALL = re.compile(r"(?:(?:`[^`]+`|[\w-]+)\s*\.\s*)*(?:`[^`]+`|\w+)\s*(?=\()")
_NAME = re.compile(r"`([^`]+)`|([\w-]+)")


def called(sql: str) -> set[tuple[str, ...]]:
    """The paths before an opening parenthesis: what may be a function of somebody's own."""
    plain = _TOKEN.sub(lambda token: " " if token["other"] else token[0], sql)
    paths = set()
    for call in _CALL.finditer(plain):
        names = (name[1] or name[2] for name in _NAME.finditer(call[0]))
        paths.add(tuple(part for name in names for part in name.split(".")))
    return paths


def without_opening(sql: str) -> str:
    """The text without the opening parentheses, and the comments among them, that it ends with."""
    plain = _TOKEN.sub(lambda token: " " * len(token[0]) if token[0][0] in "#-/" else token[0], sql)
    return sql[: len(plain.rstrip(" \t\r\n("))]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call in a text: where it stands, and its arguments."""

    start: int
    end: int
    arguments: tuple[str, ...]


def last_call(sql: str, name: str) -> Invocation | None:
    """The last call of a function; None where there is none that ends."""
    plain = _TOKEN.sub(lambda t: "\0" * len(t[0]) if t["other"] or t["path"] else t[0], sql)
    calls = list(re.finditer(rf"(?i)(?<![\w.]){name}\s*\(", plain))
    if not calls:
        return None
    depth, starts = 0, [calls[-1].end()]
    for at in range(calls[-1].end() - 1, len(plain)):
        depth += (plain[at] in "([") - (plain[at] in ")]")
        if depth == 0:
            ends = [start - 1 for start in starts[1:]] + [at]
            arguments = (sql[a:b] for a, b in zip(starts, ends, strict=True))
            return Invocation(calls[-1].start(), at + 1, tuple(arguments))
        if depth == 1 and plain[at] == ",":
            starts.append(at + 1)
    return None


@dataclass(frozen=True, slots=True)
class Split:
    """A text whose quoted paths are split: `a.b` in one pair of backquotes is two names.

    BigQuery reads them so, its analyzer does not.
    """

    sql: str
    added: tuple[tuple[int, int], ...]  # line, column after which two characters were put in

    def told(self, message: str) -> str:
        """An error of the analyzer's as BigQuery writes it, its place that in the client's text."""

        def place(match: re.Match[str]) -> str:
            line, column = int(match[1]), int(match[2])
            first = bisect_left(self.added, (line, 0))
            before = bisect_left(self.added, (line, column)) - first
            return f" at [{line}:{column - 2 * before}]"

        return _PLACE.sub(place, message)


def _is_field(sql: str, at: int) -> bool:
    """Whether the name there follows a point, and not one of a table's path."""
    before = sql[max(0, at - 500) : at]
    return before.rstrip().endswith(".") and not _TABLE_PATH.search(before)


def split_paths(sql: str) -> Split:
    """Take apart the paths that are quoted whole, and note where.

    Raises nothing: what is no GoogleSQL is left as it is.
    """
    parts: list[str] = []
    added: list[tuple[int, int]] = []
    at = 0
    for token in _TOKEN.finditer(sql):
        path = token["path"]
        if not path or "." not in path or ":" in path or _is_field(sql, token.start()):
            continue
        parts += [sql[at : token.start()], "`" + path.replace(".", "`.`") + "`"]
        at = token.end()
        start = sql.rfind("\n", 0, token.start()) + 1
        line = sql.count("\n", 0, start) + 1
        earlier = sum(2 for known, _ in added if known == line)
        for number, dot in enumerate(re.finditer(r"\.", path)):
            added.append((line, token.start() - start + dot.start() + 2 + earlier + 2 * number))
    return Split("".join([*parts, sql[at:]]), tuple(added))
