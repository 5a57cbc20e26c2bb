"""A resource's policy as the journal's records keep it: JSON, so that any tool reads it."""

from __future__ import annotations

import json
from dataclasses import asdict

from localgcp.pubsub.domain.policy import Binding, Condition, Policy


def pack(policy: Policy) -> bytes:
    """Lay out a policy."""
    return json.dumps(asdict(policy) | {"etag": policy.etag.hex()}).encode()


def unpack(payload: bytes) -> Policy:
    """Read back what pack() laid out. Raises ValueError, KeyError."""
    said = json.loads(payload)
    bindings = tuple(
        Binding(
            each["role"],
            tuple(each["members"]),
            Condition(**each["condition"]) if each["condition"] else None,
        )
        for each in said["bindings"]
    )
    return Policy(bindings, said["version"], bytes.fromhex(said["etag"]))
