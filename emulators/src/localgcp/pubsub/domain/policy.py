"""An IAM policy: who has which role on one resource (IAM API reference: Policy, Binding, Expr)."""

from __future__ import annotations

from dataclasses import dataclass

ETAG_OF_NONE = b"\x00\x20\x01"
"""What the service gives for a policy that nobody has set; in JSON it reads ACAB."""


@dataclass(frozen=True)
class Condition:
    """When a binding holds, as a CEL expression; it is not evaluated."""

    expression: str
    title: str = ""
    description: str = ""
    location: str = ""


@dataclass(frozen=True)
class Binding:
    """Who has a role."""

    role: str
    members: tuple[str, ...] = ()
    condition: Condition | None = None


@dataclass(frozen=True)
class Policy:
    """What one resource has. `etag` changes with every change."""

    bindings: tuple[Binding, ...] = ()
    version: int = 0
    etag: bytes = b""


NO_POLICY = Policy(etag=ETAG_OF_NONE)
