"""Single message transforms: what changes a message, or drops it, on its way.

Of a topic before anything is kept, of a subscription before each delivery. Pages "Single message
transforms (SMTs) overview" and "User-defined functions (UDFs) overview"; API reference:
MessageTransform.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from localgcp.pubsub.domain.transform_config import (
    Compression,
    CompressionAlgorithm,
    CompressionMode,
    JavaScriptUDF,
    MessageTransform,
)
from localgcp.pubsub.errors import InvalidArgument, TransformFailed, Unsupported

MAX_TRANSFORMS = 5
MAX_CODE_BYTES = 20_000
MAX_INFLATED = 10_000_000
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


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


class Chain:
    """The transforms of one resource, one after the other; disabled ones do nothing."""

    def __init__(self, transforms: Sequence[MessageTransform] = ()) -> None:
        self._transforms = [each for each in transforms if not each.disabled]

    def __bool__(self) -> bool:
        return bool(self._transforms)

    def __call__(self, content: Content) -> Content | None:
        """The content after all of them; None for a message to drop. Raises TransformFailed."""
        for each in self._transforms:
            changed = _function(each)(content)
            if changed is None:
                return None
            content = changed
        return content


def check(transforms: Sequence[MessageTransform]) -> None:
    """Whether a resource may have these. Raises InvalidArgument, Unsupported."""
    if len(transforms) > MAX_TRANSFORMS:
        raise InvalidArgument(
            f"There are {len(transforms)} message transforms, more than {MAX_TRANSFORMS}."
        )
    names = [each.javascript_udf.function_name for each in transforms if each.javascript_udf]
    if len(set(names)) != len(names):
        raise InvalidArgument(f"The function names are not unique: {', '.join(names)}.")
    for each in transforms:
        if each.javascript_udf is not None:
            _check_udf(each.javascript_udf)
        elif each.compression is not None:
            _check_compression(each.compression)
        else:
            raise InvalidArgument("A message transform has no javascript_udf and no compression.")


def _check_compression(compression: Compression) -> None:
    algorithm, mode = compression.compression_algorithm, compression.compression_mode
    if algorithm is CompressionAlgorithm.ZSTD:
        raise Unsupported("Compression.compression_algorithm=ZSTD")
    if not algorithm or not mode:
        raise InvalidArgument(f"Invalid compression: {algorithm.name}, {mode.name}.")


def _check_udf(udf: JavaScriptUDF) -> None:
    if not _IDENTIFIER.fullmatch(udf.function_name):
        raise InvalidArgument(f"Invalid function_name: {udf.function_name!r}.")
    size = len(udf.code.encode())
    if size > MAX_CODE_BYTES:
        raise InvalidArgument(
            f"The code of {udf.function_name} has {size} bytes, more than {MAX_CODE_BYTES}."
        )
    try:
        _function(MessageTransform(javascript_udf=udf))
    except TransformFailed as error:
        raise InvalidArgument(f"Invalid JavaScript UDF {udf.function_name}: {error}") from error


@lru_cache(64)
def _function(transform: MessageTransform) -> Function:
    if transform.compression is not None:
        compress = transform.compression.compression_mode is CompressionMode.COMPRESS
        return _deflated if compress else _inflated
    # The engine is an extra, and is loaded by the first function.
    from localgcp.pubsub.domain.javascript import JavaScriptFunction

    assert transform.javascript_udf is not None
    return JavaScriptFunction(transform.javascript_udf.function_name, transform.javascript_udf.code)


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
