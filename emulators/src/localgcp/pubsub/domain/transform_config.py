"""The settings of message transforms, as the API's resources name them (see config)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class JavaScriptUDF:
    """API reference: JavaScriptUDF."""

    function_name: str = ""
    code: str = ""


class CompressionAlgorithm(IntEnum):
    """API reference: Compression.CompressionAlgorithm."""

    COMPRESSION_ALGORITHM_UNSPECIFIED = 0
    ZLIB = 1
    ZSTD = 3


class CompressionMode(IntEnum):
    """API reference: Compression.CompressionMode."""

    COMPRESSION_MODE_UNSPECIFIED = 0
    COMPRESS = 1
    DECOMPRESS = 2


@dataclass(frozen=True)
class Compression:
    """API reference: Compression."""

    compression_algorithm: CompressionAlgorithm = (
        CompressionAlgorithm.COMPRESSION_ALGORITHM_UNSPECIFIED
    )
    compression_mode: CompressionMode = CompressionMode.COMPRESSION_MODE_UNSPECIFIED


@dataclass(frozen=True)
class MessageTransform:
    """API reference: MessageTransform; `enabled` is deprecated there, and kept as data."""

    javascript_udf: JavaScriptUDF | None = None
    compression: Compression | None = None
    enabled: bool = False
    disabled: bool = False
