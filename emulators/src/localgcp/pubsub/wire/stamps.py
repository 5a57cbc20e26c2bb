"""The end of each message's bytes: the id and the publish time that the emulator adds, and alone.

API reference: PubsubMessage (message_id = 3, publish_time = 4), Timestamp (seconds = 1, nanos = 2).
"""

from __future__ import annotations

import re

from localgcp.pubsub.domain.config import Duration
from localgcp.pubsub.wire.varint import varint

_ID_TAG, _TIME_TAG = b"\x1a", b"\x22"
_SECONDS_TAG, _NANOS_TAG = b"\x08", b"\x10"

# The id, the time, its seconds and its nanoseconds, of a time from 1978 on: a varint of five bytes,
# of which each but the last has its highest bit. An earlier one has fewer, and does not match.
_STAMP = re.compile(
    rb"\x1a.([0-9]+)(\x22[\x06-\x0c]\x08([\x80-\xff]{4}[\x01-\x7f])"
    rb"(?:\x10([\x80-\xff]{0,4}[\x01-\x7f]))?)\Z",
    re.DOTALL,
)
_LONGEST = 2 + 20 + 2 + 6 + 6


def time_of(now: float) -> tuple[bytes, float]:
    """How a publish time is laid out, to the microsecond, and what a client reads of it."""
    seconds, micros = divmod(int(now * 1e6), 1_000_000)
    body = _SECONDS_TAG + varint(seconds)
    if micros:
        body += _NANOS_TAG + varint(micros * 1000)
    return b"%b%c%b" % (_TIME_TAG, len(body), body), Duration(seconds, micros * 1000).total


def stamped(body: bytes, number: int, time: bytes) -> bytes:
    """A message's bytes with its id and its publish time, as time_of() lays it out."""
    digits = b"%d" % number
    # A sum has its very size; what % makes is made larger and cut, which leaves holes.
    return body + b"%b%c%b%b" % (_ID_TAG, len(digits), digits, time)


class Reader:
    """Reads stamps one after the other; those of one time get one object of it."""

    def __init__(self) -> None:
        self._time, self._published = b"", 0.0
        self._seconds, self._whole = b"", 0

    def read(self, wire: bytes) -> tuple[int, float] | None:
        """A message's id and its publish time in seconds; None where it can't be told."""
        found = _STAMP.search(wire, max(len(wire) - _LONGEST, 0))
        if found is None:
            return None
        digits, time, seconds, nanos = found.groups()
        if time != self._time:
            if len(time) != time[1] + 2:
                return None
            if seconds != self._seconds:
                self._seconds, self._whole = seconds, _number(seconds)
            self._time = time
            self._published = Duration(self._whole, _number(nanos) if nanos else 0).total
        return int(digits), self._published


def _number(laid_out: bytes) -> int:
    """The number that a varint of up to five bytes stands for."""
    groups = int.from_bytes(laid_out, "little")
    return (
        groups & 0x7F
        | groups >> 1 & 0x7F << 7
        | groups >> 2 & 0x7F << 14
        | groups >> 3 & 0x7F << 21
        | groups >> 4 & 0x7F << 28
    )
