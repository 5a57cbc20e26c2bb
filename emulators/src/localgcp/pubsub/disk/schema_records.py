"""A schema's revisions as the journal's records keep them: JSON, so that any tool reads them."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

from localgcp.pubsub.domain.schemas.definition import Language, Source
from localgcp.pubsub.domain.schemas.schema import Revision


def pack_revision(revision: Revision) -> bytes:
    """Lay out a revision, without its schema's name."""
    source = revision.source
    return json.dumps(
        {
            "id": revision.id,
            "created": revision.created,
            "language": source.language.name,
            "definition": source.text,
            "compiled": b64encode(source.compiled).decode(),
            "root": source.root,
        }
    ).encode()


def unpack_revision(schema: str, payload: bytes) -> Revision:
    """Read back what pack_revision laid out. Raises ValueError, KeyError."""
    said = json.loads(payload)
    source = Source(
        Language[said["language"]], said["definition"], b64decode(said["compiled"]), said["root"]
    )
    return Revision(schema, said["id"], source, said["created"])


def pack_drop(id: str, created: float) -> bytes:
    """Lay out that a revision is gone, and when it was made."""
    return json.dumps({"id": id, "created": created}).encode()


def unpack_drop(payload: bytes) -> tuple[str, float]:
    """Read back what pack_drop laid out. Raises ValueError, KeyError."""
    said = json.loads(payload)
    return said["id"], said["created"]
