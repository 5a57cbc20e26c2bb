"""Rows of a BigQuery subscription: messages as its settings and its table want them.

Page "BigQuery subscriptions": without a schema the data is one column, with the topic's or the
table's its fields are the columns; metadata go into columns of their own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from localgcp.pubsub.domain.config import BigQueryConfig, Encoding
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.schemas import definition
from localgcp.pubsub.domain.schemas.registry import Schemas
from localgcp.pubsub.errors import InvalidArgument, Mismatch, NotFound, Unsupported
from localgcp.pubsub.wire import layout
from localgcp.pubsub.wire.protos import Proto

Json: TypeAlias = Any

_METADATA = ("subscription_name", "message_id", "publish_time", "attributes")


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    type: str
    repeated: bool = False
    columns: Mapping[str, Column] = field(default_factory=dict)


def columns_of(fields: list[Json]) -> dict[str, Column]:
    """The columns in a TableSchema's fields."""
    return {
        each["name"]: Column(
            each["type"], each.get("mode") == "REPEATED", columns_of(each.get("fields", []))
        )
        for each in fields
    }


class Rows:
    """Makes rows for one table."""

    def __init__(
        self,
        subscription: str,
        config: BigQueryConfig,
        columns: Mapping[str, Column],
        schemas: Schemas,
    ) -> None:
        self._subscription, self._config = subscription, config
        self._columns, self._schemas = columns, schemas

    def lacking(self) -> list[str]:
        """The columns that the settings need and the table does not have."""
        config = self._config
        needed = list(_METADATA) if config.write_metadata else []
        if not config.use_topic_schema and not config.use_table_schema:
            needed.append("data")
        return [name for name in needed if name not in self._columns]

    def row(self, message: Message) -> Json:
        """One message. Raises Mismatch for one that can't be a row."""
        proto = layout.proto(message)
        row = self._data(proto)
        if self._config.write_metadata:
            row |= self._metadata(message, proto)
        return {name: _fit(value, self._columns.get(name)) for name, value in row.items()}

    def _data(self, proto: Proto) -> dict[str, Json]:
        if self._config.use_topic_schema:
            return topic_values(proto, self._schemas)
        if self._config.use_table_schema:
            return _object(proto.data)
        column = self._columns.get("data")
        if column is not None and column.type == "BYTES":
            return {"data": proto.data}
        return {
            "data": _text(proto.data)
            if column is None or column.type != "JSON"
            else _json(proto.data)
        }

    def _metadata(self, message: Message, proto: Proto) -> dict[str, Json]:
        attributes = dict(proto.attributes)
        if proto.ordering_key:
            attributes["ordering_key"] = proto.ordering_key
        column = self._columns.get("attributes")
        as_json = column is not None and column.type == "JSON"
        return {
            "subscription_name": self._subscription,
            "message_id": proto.message_id,
            "publish_time": datetime.fromtimestamp(message.published, UTC),
            "attributes": attributes if as_json else json.dumps(attributes),
        }


def topic_values(proto: Proto, schemas: Schemas) -> dict[str, Json]:
    """The fields of a message by the revision that it was held against. Raises Mismatch."""
    said = proto.attributes
    try:
        revision = schemas.get(
            f"{said['googclient_schemaname']}@{said['googclient_schemarevisionid']}"
        )
        encoding = Encoding[said["googclient_schemaencoding"]]
        return definition.compile(revision.source).values(proto.data, encoding)
    except (KeyError, NotFound, InvalidArgument, Unsupported) as error:
        raise Mismatch(f"The message has no schema any more: {error}") from error


def _object(data: bytes) -> dict[str, Json]:
    read = _json(data)
    if not isinstance(read, dict):
        raise Mismatch("The message is no JSON object.")
    return read


def _json(data: bytes) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Mismatch(f"The message is no JSON: {error}") from error


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Mismatch("The message is no UTF-8, and its column no BYTES.") from error


def _fit(value: Json, column: Column | None) -> Json:
    """A value as insertAll takes it for that column; of an unknown column, as it comes."""
    if column is not None and column.type == "JSON" and not column.repeated:
        return json.dumps(_plain(value))
    if column is not None and column.repeated:
        if isinstance(value, dict):  # a map: its entries
            value = [{"key": key, "value": each} for key, each in value.items()]
        if isinstance(value, list):
            one = Column(column.type, columns=column.columns)
            return [_fit(each, one) for each in value]
    if column is not None and isinstance(value, dict):
        return {name: _fit(each, column.columns.get(name)) for name, each in value.items()}
    return _plain(value)


def _plain(value: Json) -> Json:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        case _:
            return value
