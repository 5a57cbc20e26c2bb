"""JavaScript functions of message transforms, each on an engine of its own (`javascript`).

Page "User-defined functions (UDFs) overview": a function gets the message and its metadata, and
returns the message, or null to drop it; it reaches nothing outside.
"""

from __future__ import annotations

import json

from localgcp.javascript import Bounds, Compiled, EngineMissing, Script, ScriptError
from localgcp.pubsub.domain.transforms import Content
from localgcp.pubsub.errors import TransformFailed, Unsupported

BOUNDS = Bounds(seconds=0.5)

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
        except ScriptError as error:
            self._call = self._start()  # it may be out of memory, or in the middle of something
            raise TransformFailed(f"{self._name}: {error}") from error
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
        try:
            script = Script(BOUNDS)
            script.run(self._code)
            if script.run(f"typeof {self._name}") != "function":
                raise TransformFailed(f"the code has no function {self._name}.")
            return script.function(_CALL % self._name)
        except EngineMissing as error:
            raise Unsupported(
                "a JavaScript UDF without its engine: install localgcp[transforms]"
            ) from error
        except ScriptError as error:
            raise TransformFailed(str(error)) from error
