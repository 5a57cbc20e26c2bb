"""1 · What may become of a message: the service has it, refused it, or never saw it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

# Names that the client's publish() has for itself.
RESERVED = frozenset({"self", "topic", "data", "ordering_key", "retry", "timeout"})


class ReservedAttribute(ValueError):
    """The official client can't publish an attribute of this name."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"attribute {', '.join(sorted(names))}: reserved by the Pub/Sub client")


class TopicUnreachable(Exception):
    """Pub/Sub does not answer, or has no such topic."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"topic {topic} can't be reached: {why}")


class PublishFailed(Exception):
    """A message was given up: Pub/Sub refused it, or was away for too long."""


class NotRecorded(PublishFailed):
    """Pub/Sub confirmed a message, but the publish log could not be written."""

    def __init__(self, path: Path, why: OSError) -> None:
        super().__init__(f"published, but not recorded in {path}: {why}")


Fate = str | PublishFailed
"""What became of a message: its event id once Pub/Sub has it, or why it never will."""


def resolve(receipt: Future[str], fate: Fate) -> None:
    """Give a receipt what became of its message."""
    if isinstance(fate, PublishFailed):
        receipt.set_exception(fate)
    else:
        receipt.set_result(fate)
