"""`python -m local up --watch`: a part whose code is edited starts again, and the stack goes on.

A part is stopped as ever, by SIGTERM and a drain, so what it had taken on is done; what comes
meanwhile waits in Pub/Sub. Code that Python can't read restarts nothing. A part that ends by its
new code waits for the next edit instead of ending the stack.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local.edits import Edits, unreadable
from local.errors import NotReady
from local.supervise import Log, Supervisor

WATCH = "watch"
"""Whose lines these are, beside those of the parts."""


class Watching:
    """Restarts the parts of one supervisor as their code is edited."""

    def __init__(
        self, supervisor: Supervisor, edits: Edits, log: Log, restarted: Callable[[], None]
    ) -> None:
        """`restarted` is called once parts run as other processes."""
        self._supervisor, self._edits, self._log = supervisor, edits, log
        self._restarted = restarted
        self._waiting: set[Path] = set()
        """Edited files that are not in what runs yet."""
        self._down: set[str] = set()
        """Parts that their own new code has ended."""

    def look(self) -> frozenset[str]:
        """Take up what was edited; gives the parts that wait for the next edit."""
        if edited := self._edits.settled():
            self._waiting |= edited
            self._take_up()
        return frozenset(self._down)

    def _take_up(self) -> None:
        why = unreadable(sorted(self._waiting))
        if why is not None:
            self._log(WATCH, f"{why}; what runs stays until it is mended")
            return
        files, self._waiting = self._waiting, set()
        parts = self._edits.parts(files) | self._down
        names = ", ".join(sorted(file.name for file in files))
        self._log(WATCH, f"{names} changed: {', '.join(sorted(parts))} starts again")
        self._down = set()
        self._supervisor.restart(parts)
        self._restarted()
        for name in self._supervisor.children:
            if name in parts:
                self._wait_for(name)

    def _wait_for(self, name: str) -> None:
        try:
            self._supervisor.wait_ready([name], among=[name])
        except NotReady as error:
            self._down.add(name)
            self._log(WATCH, f"{error}; it starts again when code changes")
        else:
            self._log(WATCH, f"{name} serves again")
