"""What can go wrong at the console; knows nothing of statuses."""

from __future__ import annotations


class ConsoleError(Exception):
    """Base of all that a client is told."""


class Invalid(ConsoleError):
    """A field has a value that can't be used."""

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"Invalid value for {field}: {value!r}: {rule}")


class BadFilter(Invalid):
    """A filter of log entries can't be read."""

    def __init__(self, text: str, rule: str) -> None:
        super().__init__("filter", text, rule)


class NotFound(ConsoleError):
    """Nothing of this name runs."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} not found: {name}")


class NotSupported(ConsoleError):
    """The service has it, the emulator has not."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not supported by the emulator: {what}")


class NotNow(ConsoleError):
    """What runs is in no state for it."""


class Silent(ConsoleError):
    """What runs does not answer."""

    def __init__(self, url: str, why: object) -> None:
        super().__init__(f"{url} does not answer: {why}")
