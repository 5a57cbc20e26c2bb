from __future__ import annotations

from tests.emulators.pubsub.conftest import clients, connect, emulator

__all__ = ["clients", "connect", "emulator"]
