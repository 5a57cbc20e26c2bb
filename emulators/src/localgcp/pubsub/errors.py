"""Everything the Pub/Sub domain can refuse, one class a reason; the wire maps them to statuses."""

from __future__ import annotations


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


class InvalidMessage(PubSubError):
    """A message does not match its schema: `reason` and `metadata` are those of the ErrorInfo."""

    def __init__(self, reason: str, why: str, what: str) -> None:
        super().__init__(f"{what}: Message failed schema validation.")
        self.reason = reason
        self.metadata = {"message": "Message failed schema validation", "revisionInfo": why}


class TransformFailed(PubSubError):
    """A message transform could not be applied to a message."""


class Conflict(PubSubError):
    """What is to be changed has been changed by somebody else since it was read."""


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
