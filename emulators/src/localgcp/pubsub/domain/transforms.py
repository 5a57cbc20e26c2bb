"""Single message transforms: what changes a message, or drops it, on its way.

Of a topic before anything is kept, of a subscription before each delivery. Pages "Single message
transforms (SMTs) overview" and "User-defined functions (UDFs) overview"; API reference:
MessageTransform.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from localgcp.pubsub.errors import InvalidArgument, TransformFailed

MAX_TRANSFORMS = 5
MAX_CODE_BYTES = 20_000
MAX_INFLATED = 10_000_000
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


@dataclass(frozen=True)
class JavaScriptUdf:
    """A function that somebody wrote."""

    function_name: str
    code: str


@dataclass(frozen=True)
class Zlib:
    """The data is compressed, or decompressed."""

    compress: bool


@dataclass(frozen=True)
class Transform:
    """One transform of a topic or a subscription, in its place."""

    does: JavaScriptUdf | Zlib
    disabled: bool = False


@dataclass(frozen=True)
class Content:
    """What a transform sees of a message, and may change but for the last three."""

    data: bytes
    attributes: Mapping[str, str]
    message_id: str = ""
    ordering_key: str = ""
    published: float | None = None
    """In seconds since the epoch; None before it is published."""

    def metadata(self) -> dict[str, str]:
        """What a function gets as its second argument."""
        told = {"message_id": self.message_id, "ordering_key": self.ordering_key}
        if self.published is not None:
            when = datetime.fromtimestamp(self.published, UTC)
            told["publish_time"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {key: value for key, value in told.items() if value}


class Function(Protocol):
    """A function that is ready to be called."""

    def __call__(self, content: Content) -> Content | None:
        """The new content, or None for a message to drop. Raises TransformFailed."""


@dataclass
class Chain:
    """The transforms of one resource, one after the other; disabled ones do nothing."""

    transforms: Sequence[Transform] = ()
    _functions: list[Function] | None = field(default=None, init=False)

    def __bool__(self) -> bool:
        return any(not each.disabled for each in self.transforms)

    def __call__(self, content: Content) -> Content | None:
        """The content after all of them; None for a message to drop. Raises TransformFailed."""
        if self._functions is None:
            self._functions = [
                _function(each.does) for each in self.transforms if not each.disabled
            ]
        for function in self._functions:
            changed = function(content)
            if changed is None:
                return None
            content = changed
        return content


def check(transforms: Sequence[Transform]) -> None:
    """Whether a resource may have these. Raises InvalidArgument, Unsupported."""
    if len(transforms) > MAX_TRANSFORMS:
        raise InvalidArgument(
            f"There are {len(transforms)} message transforms, more than {MAX_TRANSFORMS}."
        )
    udfs = [each.does for each in transforms if isinstance(each.does, JavaScriptUdf)]
    names = [udf.function_name for udf in udfs]
    if len(set(names)) != len(names):
        raise InvalidArgument(f"The function names are not unique: {', '.join(names)}.")
    for udf in udfs:
        _check_udf(udf)


def _check_udf(udf: JavaScriptUdf) -> None:
    if not _IDENTIFIER.fullmatch(udf.function_name):
        raise InvalidArgument(f"Invalid function_name: {udf.function_name!r}.")
    size = len(udf.code.encode())
    if size > MAX_CODE_BYTES:
        raise InvalidArgument(
            f"The code of {udf.function_name} has {size} bytes, more than {MAX_CODE_BYTES}."
        )
    try:
        _function(udf)
    except TransformFailed as error:
        raise InvalidArgument(f"Invalid JavaScript UDF {udf.function_name}: {error}") from error


@lru_cache(64)
def _function(does: JavaScriptUdf | Zlib) -> Function:
    if isinstance(does, Zlib):
        return _deflated if does.compress else _inflated
    # The engine is an extra, and is loaded by the first function.
    from localgcp.pubsub.domain.javascript import JavaScriptFunction

    return JavaScriptFunction(does.function_name, does.code)


def _deflated(content: Content) -> Content:
    return Content(zlib.compress(content.data), content.attributes, *_rest(content))


def _inflated(content: Content) -> Content:
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(content.data, MAX_INFLATED)
    except zlib.error as error:
        raise TransformFailed(f"The data can't be decompressed: {error}") from error
    if not engine.eof or engine.unused_data:
        raise TransformFailed(
            f"The data is no whole ZLIB stream, or one of more than {MAX_INFLATED} bytes."
        )
    return Content(data, content.attributes, *_rest(content))


def _rest(content: Content) -> tuple[str, str, float | None]:
    return content.message_id, content.ordering_key, content.published
