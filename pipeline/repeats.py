"""3 · Lines come in, and what is known of those that are written; what no object has leaves.

An event's lines are all below one prefix, and one shard's objects are numbered with no gap. So
whoever writes the next number has been refused each one that another took, and has read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from hashlib import blake2b

import orjson

from event_types.base import Envelope

KEY_BYTES = 16
# What differs from one delivery of an event to the next.
_OF_A_DELIVERY = (*(Envelope.model_fields.keys() - {"event_id"}), "failed_at")


def key(line: bytes) -> bytes:
    """What all lines of one event have in common, and no other: its id, and what it says."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if isinstance(record, dict):
        for name in _OF_A_DELIVERY:
            record.pop(name, None)
        line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    return blake2b(line.rstrip(b"\n"), digest_size=KEY_BYTES).digest()


def unwritten(lines: Iterable[bytes], keys: Set[bytes]) -> list[bytes]:
    """The lines whose keys are none of these, once each."""
    left = {its: line for line in lines if (its := key(line)) not in keys}
    return list(left.values())
