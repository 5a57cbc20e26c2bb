"""Edited payloads of dead letters, kept until they are sent again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from local.errors import BadEdit, Unusable
from local.letters import Letter
from localgcp import clients

FOLDER = "drafts"


class Drafts:
    """The drafts of one stack, a file for each letter in its data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def get(self, letter: Letter) -> bytes | None:
        """The edited payload; None where there is none."""
        try:
            return self._file(letter).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unusable(self._folder, error) from error

    def put(self, letter: Letter, payload: bytes) -> None:
        """Keep an edited payload. Raises Unusable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            clients.write(self._file(letter), payload.decode(errors="surrogateescape"))
        except OSError as error:
            raise Unusable(self._folder, error) from error

    def drop(self, letter: Letter) -> bool:
        """Forget it; gives whether there was one."""
        there = self._file(letter).exists()
        self._file(letter).unlink(missing_ok=True)
        return there

    def _file(self, letter: Letter) -> Path:
        # An event id may be any text, so it names no file itself.
        name = sha256(f"{letter.redrives} {letter.event_id}".encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"


def changed(data: bytes, changes: Sequence[str]) -> bytes:
    """The payload with each `path=JSON` set; a value that is no JSON is taken for a text.

    Raises BadEdit, naming the change.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise BadEdit(f"the payload is not JSON ({error}); give a whole one with --file") from None
    for change in changes:
        path, equals, text = change.partition("=")
        if not path or not equals:
            raise BadEdit(f"--set takes PATH=VALUE; got {change!r}")
        _set(document, path, _value(text))
    return json.dumps(document, ensure_ascii=False).encode()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _set(document: Any, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    place = document
    try:
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if isinstance(place, list):
            place[int(last)] = value
        elif isinstance(place, dict):
            place[last] = value
        else:
            raise BadEdit(f"--set {path}: there is no object to hold {last!r}")
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise BadEdit(f"--set {path}: the payload has no such place ({error})") from None
