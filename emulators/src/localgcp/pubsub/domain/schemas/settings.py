"""Which schema a topic holds its messages against (API reference: SchemaSettings)."""

from __future__ import annotations

from dataclasses import dataclass

from localgcp.pubsub.domain.schemas.definition import Encoding

DELETED_SCHEMA = "_deleted-schema_"


@dataclass(frozen=True)
class SchemaSettings:
    """The schema's name, how messages are written, and the range of its revisions, "" for open."""

    schema: str
    encoding: Encoding
    first_revision_id: str = ""
    last_revision_id: str = ""
