"""Everything the Pub/Sub domain can refuse, one class a reason; the wire maps them to statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

MOST_ACK_IDS_TOLD = 50
"""gRPC's clients receive 8 KiB of metadata."""


class PubSubError(Exception):
    """Base of what a client of the emulator can be told."""


class NotFound(PubSubError):
    """A topic or subscription of that name does not exist."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"Resource not found (resource={resource}).")


class AlreadyExists(PubSubError):
    """A topic or subscription of that name exists."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"Resource already exists in the project (resource={resource}).")


class InvalidArgument(PubSubError):
    """A value in the request breaks a rule of the API."""


class Mismatch(Exception):
    """A message is none of what a definition says, or a revision does not go with another."""


class Detailed(PubSubError):
    """A refusal that programs read: `reason` and `metadata` are those of its ErrorInfo."""

    def __init__(self, text: str, reason: str, metadata: Mapping[str, str]) -> None:
        super().__init__(text)
        self.reason, self.metadata = reason, metadata


class InvalidMessage(Detailed):
    """A message does not match its schema."""

    def __init__(self, reason: str, why: str, what: str) -> None:
        metadata = {"message": "Message failed schema validation", "revisionInfo": why}
        super().__init__(f"{what}: Message failed schema validation.", reason, metadata)


class TransformFailed(PubSubError):
    """A message transform could not be applied to a message."""


class Conflict(PubSubError):
    """What is to be changed has been changed by somebody else since it was read."""


class AckIdsFailed(Detailed):
    """With exactly-once delivery, leases have ended or messages are acked before an earlier one of
    their key, so that nothing was done of what was asked.

    The texts and the reason are the service's. The other ack ids of the request are told to be
    worth a second try; no more are told than clients can receive as metadata.
    """

    def __init__(
        self, invalid: Sequence[str], unordered: Sequence[str], others: Sequence[str]
    ) -> None:
        metadata = dict.fromkeys(invalid, "PERMANENT_FAILURE_INVALID_ACK_ID")
        metadata |= dict.fromkeys(unordered, "TRANSIENT_FAILURE_UNORDERED_ACK_ID")
        metadata |= dict.fromkeys(others, "TRANSIENT_FAILURE_OTHER_ACK_IDS_INVALID")
        super().__init__(
            "Some acknowledgement ids in the request were invalid. This could be because the "
            "acknowledgement ids have expired or the acknowledgement ids were malformed."
            if invalid
            else "Some acknowledgement ids in the request were sent out of order.",
            "EXACTLY_ONCE_ACKID_FAILURE",
            dict(islice(metadata.items(), MOST_ACK_IDS_TOLD)),
        )


class WrongState(PubSubError):
    """The resource exists, but is not of the kind or in the state that the request needs."""


class Unsupported(PubSubError):
    """The real service has it, the emulator does not: refused rather than ignored."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not supported by the emulator: {what}")


class StorageFailed(PubSubError):
    """What was asked could not be written to the journal, so it has not happened."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"Could not write the journal {path}: {why}")
