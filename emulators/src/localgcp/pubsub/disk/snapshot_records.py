"""Snapshots and seeks as the journal's records keep them.

A snapshot is JSON, so that any tool reads it. Its messages are those that its subscription held
when the record was written; after a compaction they are in a RETAIN record of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from localgcp.pubsub.disk import records
from localgcp.pubsub.domain.config import SnapshotConfig


def pack_snapshot(config: SnapshotConfig, subscription: str) -> bytes:
    """Lay out a snapshot, without its name; `subscription` is "" for one that is changed."""
    return json.dumps(
        {
            "topic": config.topic,
            "labels": dict(config.labels),
            "expire_time": config.expire_time,
            "filter": config.filter,
            "subscription": subscription,
        }
    ).encode()


def unpack_snapshot(name: str, payload: bytes) -> tuple[SnapshotConfig, str]:
    """Read back what pack_snapshot laid out. Raises ValueError, KeyError."""
    said = json.loads(payload)
    config = SnapshotConfig(
        name, said["topic"], said["labels"], said["expire_time"], said["filter"]
    )
    return config, said["subscription"]


def pack_seek(acked: Sequence[int], revived: Sequence[int]) -> bytes:
    """Lay out which messages a seek marked as acked, and which as not acked."""
    return records.pack_two(acked, revived)


def unpack_seek(payload: bytes) -> tuple[Sequence[int], Sequence[int]]:
    """Read back what pack_seek laid out. Raises struct.error."""
    return records.unpack_two(payload)
