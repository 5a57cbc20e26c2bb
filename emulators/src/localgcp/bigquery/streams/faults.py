"""What can go wrong with a stream; `code` is the name of the API's StorageErrorCode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from localgcp.bigquery.errors import AlreadyExists, BigQueryError, Invalid, NotFound


class StreamFault(BigQueryError):
    """Base of the failures that carry a StorageErrorCode; `entity` is what they are about."""

    code: ClassVar[str] = "STORAGE_ERROR_CODE_UNSPECIFIED"

    def __init__(self, message: str, entity: str) -> None:
        self.entity = entity
        super().__init__(f"{message} Entity: {entity}")


class StreamNotFound(StreamFault, NotFound):
    """No such stream, or its table is gone."""

    code = "STREAM_NOT_FOUND"

    def __init__(self, stream: str) -> None:
        super().__init__("Requested entity was not found.", stream)


class OffsetExists(StreamFault, AlreadyExists):
    """Rows of this offset have been appended."""

    code = "OFFSET_ALREADY_EXISTS"

    def __init__(self, stream: str, expected: int, received: int) -> None:
        super().__init__(
            f"The offset is within stream, expected offset {expected}, received {received}", stream
        )


class OffsetBeyond(StreamFault):
    """There are no rows up to this offset."""

    code = "OFFSET_OUT_OF_RANGE"

    def __init__(self, stream: str, expected: int, received: int) -> None:
        super().__init__(
            f"The offset is beyond stream, expected offset {expected}, received {received}", stream
        )


class StreamFinalized(StreamFault, Invalid):
    """Nothing more can be appended."""

    code = "STREAM_FINALIZED"

    def __init__(self, stream: str) -> None:
        super().__init__("Stream has been finalized and cannot be appended.", stream)


class WrongType(StreamFault, Invalid):
    """The method is not for a stream of this type."""

    code = "INVALID_STREAM_TYPE"


class WrongState(StreamFault, Invalid):
    """The method is not for a stream in this state."""

    code = "INVALID_STREAM_STATE"


class Committed(StreamFault, Invalid):
    """It was committed before."""

    code = "STREAM_ALREADY_COMMITTED"

    def __init__(self, stream: str) -> None:
        super().__init__("Stream has already been committed.", stream)


class ExtraFields(StreamFault, Invalid):
    """The writer's schema has what the table lacks."""

    code = "SCHEMA_MISMATCH_EXTRA_FIELDS"

    def __init__(self, table: str, field: str) -> None:
        why = f"Input schema has more fields than BigQuery schema, extra fields: '{field}'"
        super().__init__(why, table)


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that cannot be stored."""

    index: int
    message: str


class RowFaults(Invalid):
    """Some rows of a request are wrong, so that none of it is stored."""

    def __init__(self, faults: Sequence[RowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "Errors found while processing rows. Please refer to the row_errors field for details."
            " The list may not be complete because of the size limitations."
        )
