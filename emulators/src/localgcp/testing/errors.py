"""What can keep a test from its emulator; each text says what to do."""

from __future__ import annotations


class Unavailable(Exception):
    """The emulators that EMULATORS asks for can't be had."""

    def __init__(self, service: str, why: str) -> None:
        self.service = service
        super().__init__(f"{service}: {why}")
