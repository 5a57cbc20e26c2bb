"""The console's folder: the facts, and the file of written log entries."""

from __future__ import annotations

import json
from pathlib import Path

from localgcp.console.domain.facts import Facts, MayAsk

FACTS, ENTRIES = "facts.json", "entries.jsonl"


class Kept:
    """What one console keeps; nothing without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def entries(self) -> Path | None:
        """The file of log entries that clients wrote."""
        return None if self._folder is None else self._folder / ENTRIES

    def get(self, may_ask: MayAsk) -> Facts:
        """The facts told last. Raises Invalid where a setting no longer allows an address."""
        if self._folder is None or not (self._folder / FACTS).exists():
            return Facts()
        return Facts.of(json.loads((self._folder / FACTS).read_text()), may_ask)

    def put(self, facts: Facts) -> None:
        """Keep them, at one stroke."""
        if self._folder is None:
            return
        draft = self._folder / f"{FACTS}.new"
        draft.touch(0o600)
        draft.write_text(json.dumps(facts.as_json()))
        draft.replace(self._folder / FACTS)
