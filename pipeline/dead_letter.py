"""3 · From a message that can't be stored to its dead letter. Next: the sinks, like any row."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import orjson

from event_types.dead_letter import DEAD_LETTER_TABLE, Attribute, DeadLetter, Reason
from pipeline.record import Message, Row, file_prefix

ROOT = "dead-letter"
# Of a payload's bytes, what the table keeps. Escaped as JSON, a byte may take six, and an
# insertAll request holds 10 MB (BigQuery quotas, "Streaming inserts").
TABLE_PAYLOAD_BYTES = 1024 * 1024


def row(message: Message, reason: Reason, detail: str) -> Row:
    """The dead letter of a message: whole in its file, the payload cut to fit in its table."""
    record = _record(message, reason, detail)
    line = orjson.dumps(record)
    if len(message.data) > TABLE_PAYLOAD_BYTES:
        payload = _text(message.data[:TABLE_PAYLOAD_BYTES], record["payload_encoding"])
        record = {**record, "payload": payload, "payload_truncated": True}
    return Row(
        table=DEAD_LETTER_TABLE.name,
        values=record,
        file_prefix=file_prefix(ROOT, reason.value, message.publish_time),
        line=line,
        message=message,
    )


def _record(message: Message, reason: Reason, detail: str) -> dict[str, object]:
    try:
        payload, encoding = message.data.decode(), "utf-8"
    except UnicodeDecodeError:
        payload, encoding = _text(message.data, "base64"), "base64"
    letter = DeadLetter.model_validate(
        {
            "event_id": message.event_id,
            "reason": reason,
            "detail": detail,
            "payload": payload,
            "payload_encoding": encoding,
            "payload_bytes": len(message.data),
            "payload_truncated": False,
            "attributes": [
                Attribute(key=key, value=value) for key, value in message.attributes.items()
            ],
            "publish_time": message.publish_time,
            "failed_at": datetime.now(UTC),
        }
    )
    return letter.model_dump(mode="json")


def _text(data: bytes, encoding: object) -> str:
    # A cut may fall inside a character; what is left of it goes.
    return b64encode(data).decode() if encoding == "base64" else data.decode(errors="ignore")
