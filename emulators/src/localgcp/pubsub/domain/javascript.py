"""JavaScript functions on QuickJS, bounded in time and memory; the extra `transforms` brings it.

Page "User-defined functions (UDFs) overview": a function gets the message and its metadata, and
returns the message, or null to drop it; it reaches nothing outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

from localgcp.pubsub.domain.transforms import Content
from localgcp.pubsub.errors import TransformFailed, Unsupported

MAX_SECONDS = 0.5
MAX_MEMORY = 64 << 20
MAX_STACK = 1 << 20

Compiled: TypeAlias = Callable[[str], str | None]


class Context(Protocol):
    """What is used of QuickJS's, which comes without types."""

    def set_memory_limit(self, size: int) -> None:
        """At most so many bytes of memory."""

    def set_max_stack_size(self, size: int) -> None:
        """At most so many bytes of stack."""

    def set_time_limit(self, seconds: float) -> None:
        """At most so long for each call."""

    def eval(self, code: str) -> object:
        """Run code; gives the value of its last expression. Raises JSException."""


class Engine(Protocol):
    """The module itself."""

    JSException: type[Exception]
    Context: Callable[[], Context]


_CALL = """
(text) => {
  const [message, metadata] = JSON.parse(text);
  const result = %s(message, metadata);
  if (result === undefined) throw new TypeError("the function returned undefined");
  return result === null ? null : JSON.stringify(result);
}
"""


class JavaScriptFunction:
    """`name` as `code` defines it. Raises TransformFailed, and Unsupported without the engine.

    What the code keeps in variables of its own may last from one message to the next, or not.
    """

    def __init__(self, name: str, code: str) -> None:
        self._name, self._code = name, code
        self._call = self._start()

    def __call__(self, content: Content) -> Content | None:
        """The new content, or None for a message to drop. Raises TransformFailed."""
        try:
            message = {"data": content.data.decode(), "attributes": dict(content.attributes)}
        except UnicodeDecodeError as error:
            raise TransformFailed(f"{self._name}: the data is no UTF-8.") from error
        try:
            answer = self._call(json.dumps([message, content.metadata()]))
        except _engine().JSException as error:
            self._call = self._start()  # it may be out of memory, or in the middle of something
            raise TransformFailed(f"{self._name}: {_first_line(error)}") from error
        return None if answer is None else self._content(json.loads(answer), content)

    def _content(self, answer: object, before: Content) -> Content:
        match answer:
            case {"data": str(data), **rest} if set(rest) <= {"attributes"}:
                attributes = rest.get("attributes", {})
            case _:
                raise TransformFailed(
                    f"{self._name}: it returns a map with 'data', a string, and 'attributes'."
                )
        if not isinstance(attributes, dict) or not all(
            isinstance(value, str) for value in attributes.values()
        ):
            raise TransformFailed(f"{self._name}: 'attributes' is a map of strings.")
        return Content(
            data.encode(errors="replace"),
            attributes,
            before.message_id,
            before.ordering_key,
            before.published,
        )

    def _start(self) -> Compiled:
        quickjs = _engine()
        context = quickjs.Context()
        context.set_memory_limit(MAX_MEMORY)
        context.set_max_stack_size(MAX_STACK)
        context.set_time_limit(MAX_SECONDS)
        try:
            context.eval(self._code)
            if context.eval(f"typeof {self._name}") != "function":
                raise TransformFailed(f"the code has no function {self._name}.")
            return cast(Compiled, context.eval(_CALL % self._name))
        except quickjs.JSException as error:
            raise TransformFailed(_first_line(error)) from error


def _engine() -> Engine:
    try:
        import quickjs
    except ImportError as error:
        raise Unsupported(
            "a JavaScript UDF without its engine: install localgcp[transforms]"
        ) from error
    engine: Engine = quickjs
    return engine


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
