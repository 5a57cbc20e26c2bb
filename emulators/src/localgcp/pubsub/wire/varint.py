"""Protocol Buffers' numbers of variable length: seven bits a byte, the lowest first.

Page "Encoding" of the Protocol Buffers documentation, section "Base 128 Varints".
"""

from __future__ import annotations

_ONE_BYTE = [bytes((number,)) for number in range(0x80)]


def varint(number: int) -> bytes:
    """Lay out a number of 0 or more."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    groups = []
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
