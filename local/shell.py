"""`python -m local sql` on a terminal: a prompt with history, and completion from the schema."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from local.asking import as_lines, show
from local.errors import BadQuery
from local.warehouse import Warehouse

WORDS = """
    SELECT FROM WHERE GROUP BY ORDER LIMIT HAVING QUALIFY JOIN LEFT INNER CROSS ON USING UNNEST WITH
    AS DISTINCT UNION ALL EXCEPT CASE WHEN THEN ELSE END AND OR NOT IN IS NULL LIKE BETWEEN INSERT
    INTO VALUES UPDATE SET DELETE MERGE CREATE TABLE VIEW DROP ALTER DESC ASC OVER PARTITION COUNT
    SUM AVG MIN MAX COUNTIF TIMESTAMP DATE CURRENT_TIMESTAMP INTERVAL
"""
GREETING = "A statement ends with ; at the end of a line. Tab completes, Ctrl-D leaves."


class Names(Completer):
    """Keywords, tables, and the columns of all tables, by the word before the cursor."""

    def __init__(self, there: Warehouse) -> None:
        self._there = there
        self._names: list[tuple[str, str]] = []
        self.refresh()

    def refresh(self) -> None:
        """Ask for the tables anew: a statement may have made one."""
        tables = self._there.tables()
        columns = {name for each in tables.values() for name in each}
        self._names = [
            *((name, "table") for name in sorted(tables)),
            *((name, "column") for name in sorted(columns)),
            *((word, "") for word in WORDS.split()),
        ]

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """What begins with the word before the cursor."""
        word = document.get_word_before_cursor()
        for name, meta in self._names:
            if word and name.lower().startswith(word.lower()):
                yield Completion(name, start_position=-len(word), display_meta=meta)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def enter(event: KeyPressEvent) -> None:
        """Send a statement that is ended; else begin a new line."""
        buffer = event.current_buffer
        text = buffer.text.strip()
        if not text or text.endswith(";"):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def _typed(session: PromptSession[str]) -> Iterator[str]:
    while True:
        try:
            yield session.prompt("sql> ").strip().rstrip(";")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def run(there: Warehouse, history: Path, pager: str | None) -> int:
    """Prompt until Ctrl-D."""
    names = Names(there)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=names,
        complete_while_typing=False,
        multiline=True,
        key_bindings=_keys(),
        prompt_continuation=lambda width, line, wrapped: " " * width,
    )
    print(GREETING)
    for statement in _typed(session):
        if not statement:
            continue
        try:
            result = there.query(statement)
            show(as_lines(result, shutil.get_terminal_size().columns), sys.stdout, pager)
            if not result.columns:
                names.refresh()
        except BadQuery as error:
            print(error, file=sys.stderr)
    return 0
