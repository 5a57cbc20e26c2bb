"""JavaScript on QuickJS, bounded in time and memory; the package quickjs-ng brings the engine.

Pub/Sub's message transforms and BigQuery's functions run on it. The code reaches nothing outside:
no files, no network, no modules, no timers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

Compiled: TypeAlias = Callable[[str], str | None]


class ScriptError(Exception):
    """What the code threw, or the bound that it met; `lines` are the engine's, `str` the first."""

    def __init__(self, text: str) -> None:
        self.lines = text.rstrip("\n").split("\n")
        super().__init__(self.lines[0])


class EngineMissing(Exception):
    """The package quickjs-ng is not installed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a script may take: seconds for each call, bytes of memory and of stack."""

    seconds: float
    memory: int = 64 << 20
    stack: int = 1 << 20


class _Context(Protocol):
    """What is used of QuickJS's, which comes without types."""

    def set_memory_limit(self, size: int) -> None:
        """At most so many bytes of memory."""

    def set_max_stack_size(self, size: int) -> None:
        """At most so many bytes of stack."""

    def set_time_limit(self, seconds: float) -> None:
        """At most so long for each call."""

    def execute_pending_job(self) -> bool:
        """Go on with one promise; False where none waits. Raises JSException."""

    def eval(self, code: str) -> object:
        """Run code; gives the value of its last expression. Raises JSException."""


class _Engine(Protocol):
    """The module itself."""

    JSException: type[Exception]
    Context: Callable[[], _Context]


class Script:
    """One context: its code runs once, its functions are called as often as one likes.

    What the code keeps in variables of its own lasts as long as the script.
    """

    def __init__(self, bounds: Bounds) -> None:
        """Start a context of its own. Raises EngineMissing."""
        self._engine = _quickjs()
        self._context = self._engine.Context()
        self._context.set_memory_limit(bounds.memory)
        self._context.set_max_stack_size(bounds.stack)
        self._context.set_time_limit(bounds.seconds)

    def run(self, code: str) -> object:
        """The value of the code's last expression. Raises ScriptError."""
        try:
            return self._context.eval(code)
        except self._engine.JSException as error:
            raise ScriptError(str(error)) from error

    def function(self, expression: str) -> Compiled:
        """What the expression gives: a function of one text, which answers a text or null.

        Raises ScriptError, now and when it is called.
        """
        compiled = cast(Compiled, self.run(expression))

        def call(text: str) -> str | None:
            try:
                return compiled(text)
            except self._engine.JSException as error:
                raise ScriptError(str(error)) from error

        return call

    def settle(self) -> None:
        """Go on until no promise waits. Raises ScriptError."""
        try:
            while self._context.execute_pending_job():
                pass
        except self._engine.JSException as error:
            raise ScriptError(str(error)) from error


def _quickjs() -> _Engine:
    try:
        import quickjs
    except ImportError as error:
        raise EngineMissing from error
    engine: _Engine = quickjs
    return engine
