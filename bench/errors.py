"""What keeps a comparison from its figures."""

from __future__ import annotations

SHOWN_LINES = 15


class BenchError(Exception):
    """Base of all that the command reports in place of a traceback."""


class Missing(BenchError):
    """The machine lacks what a comparison is with; its rows are skipped."""


class TooSlow(BenchError):
    """Something did not happen in time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"waited {seconds:g} s for {what}")


class Ended(BenchError):
    """A measured process ended by itself."""

    def __init__(self, name: str, code: int, log: str) -> None:
        tail = "\n".join(log.splitlines()[-SHOWN_LINES:])
        super().__init__(f"{name} exited with {code}; its last lines:\n{tail}")
