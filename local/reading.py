"""Reads messages from a file or a pipe, each with the number of the line where it begins.

A line is a message, exactly as it stands; empty lines are none. A JSON object that goes on over
several lines, as an editor prints it, is one message too. Data packed by gzip is unpacked, and a
UTF-8 byte order mark left out, wherever they come from: both are known by their first bytes.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from local.errors import NotSent

STDIN = "-"
GZIP = b"\x1f\x8b"
MOST_BYTES = 10_000_000
"""Pub/Sub takes no larger message (Quotas and limits, "Message size")."""
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|["{}\[\]]')


@dataclass(frozen=True)
class Message:
    """One message and the number, from 1, of its first line."""

    line: int
    data: bytes


def read(file: str, as_lines: bool = False) -> Iterator[Message]:
    """The messages of a file, or of standard input for `-`, none of them held.

    With `as_lines` a line is a message whatever it holds. Raises NotSent, naming file and line.
    """
    number = 0
    try:
        with _opened(file) as source:
            lines = enumerate(_lines(source, file), 1)
            for message in _as_they_stand(lines) if as_lines else _whole(lines, file):
                number = message.line
                yield message
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise NotSent(f"{file}: broken gzip data after line {number}: {error}") from error
    except OSError as error:
        raise NotSent(f"{file}: {error.strerror or error}") from error


def checked(file: str, as_lines: bool = False) -> int | None:
    """How many messages a file has, once read to its end; None for what is read only once.

    So that what can't be sent is refused before anything is sent. Raises NotSent.
    """
    if file == STDIN or not _is_regular(Path(file)):
        return None
    return sum(1 for _ in read(file, as_lines))


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise NotSent(f"{path}: {error.strerror}") from error


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STDIN:
        yield _unpacked(cast(BufferedReader, sys.stdin.buffer))
        return
    with Path(file).open("rb") as source:
        yield _unpacked(source)


def _unpacked(source: BufferedReader) -> BinaryIO:
    packed = source.peek(len(GZIP)).startswith(GZIP)
    return cast(BinaryIO, gzip.GzipFile(fileobj=source)) if packed else source


def _lines(source: BinaryIO, file: str) -> Iterator[bytes]:
    number = 0
    while line := source.readline(MOST_BYTES + 2):
        number += 1
        line = line.rstrip(b"\r\n")
        if len(line) > MOST_BYTES:
            raise NotSent(f"{file}: line {number} has more than {MOST_BYTES:,} bytes")
        yield line


def _as_they_stand(lines: Iterator[tuple[int, bytes]]) -> Iterator[Message]:
    for number, line in lines:
        if line.strip():
            yield Message(number, line)


def _whole(lines: Iterator[tuple[int, bytes]], file: str) -> Iterator[Message]:
    for number, text in lines:
        line = _without_mark(text, file) if number == 1 else text
        if not line.strip():
            continue
        left = _left_open(line)
        if left and line.lstrip().startswith(b"["):
            raise NotSent(
                f"{file}: line {number} opens a JSON array; a message is one event: "
                "jq -c '.[]' makes lines of it"
            )
        yield Message(number, _rest(number, line, left, lines, file) if left else line)


def _without_mark(line: bytes, file: str) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotSent(f"{file} is UTF-16; iconv -f UTF-16 -t UTF-8 makes UTF-8 of it")
    return line.removeprefix(codecs.BOM_UTF8)


def _rest(
    number: int, line: bytes, left: int, lines: Iterator[tuple[int, bytes]], file: str
) -> bytes:
    """The object that `line` opens, to the line that closes it."""
    whole = [line]
    size = len(line)
    for _, line in lines:
        whole.append(line)
        left += _balance(line)
        size += len(line) + 1
        if left <= 0:
            return b"\n".join(whole)
        if size > MOST_BYTES:
            break
    raise NotSent(
        f"{file}: line {number} opens a JSON object that is not closed; "
        "--lines sends each line as it stands"
    )


def _left_open(line: bytes) -> int:
    """How many brackets of a JSON value the line leaves open; 0 if the line ends what it begins."""
    if line.lstrip()[:1] not in (b"{", b"["):
        return 0
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return max(0, _balance(line))
    return 0


def _balance(line: bytes) -> int:
    """Brackets opened less brackets closed, outside of strings; a torn string counts as an end."""
    balance = 0
    for found in _BRACKETS.finditer(line):
        token = found.group()
        if token in (b"{", b"["):
            balance += 1
        elif token in (b"}", b"]"):
            balance -= 1
        elif token == b'"':
            return 0
    return balance
