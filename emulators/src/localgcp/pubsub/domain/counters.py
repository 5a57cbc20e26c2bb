"""What has become of a subscription's messages since the emulator started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """Numbers of messages; `delivered` counts a message again each time it goes out."""

    delivered: int = 0
    acked: int = 0
    redelivered: int = 0
    dead_lettered: int = 0
    expired: int = 0
