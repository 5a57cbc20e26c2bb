"""What a text file is wrapped in before it is CSV or JSON: gzip, and an encoding but UTF-8."""

from __future__ import annotations

import zlib

from localgcp.bigquery.errors import BadValue, Invalid

MAX_UNPACKED = 256 * 1024 * 1024
_GZIP = b"\x1f\x8b"
# JobConfigurationLoad, encoding, by Python's names; a byte order mark is no part of the text.
ENCODINGS = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO-8859-1": "iso-8859-1",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "UTF-32BE": "utf-32-be",
    "UTF-32LE": "utf-32-le",
}


def unpacked(data: bytes) -> bytes:
    """What a gzip file holds, all its parts; any other file as it is. Raises BadValue."""
    if not data.startswith(_GZIP):
        return data
    pieces, size = [], 0
    while data:
        unpacking = zlib.decompressobj(wbits=31)
        try:
            piece = unpacking.decompress(data, MAX_UNPACKED + 1 - size)
        except zlib.error as error:
            raise BadValue("media", "gzip", str(error)) from error
        size += len(piece)
        if size > MAX_UNPACKED:
            raise BadValue("media", "gzip", f"holds more than {MAX_UNPACKED} bytes")
        if not unpacking.eof:
            raise BadValue("media", "gzip", "cut off")
        pieces.append(piece)
        data = unpacking.unused_data.lstrip(b"\0")  # RFC 1952: members may follow, and padding
    return b"".join(pieces)


def as_utf8(data: bytes, encoding: str) -> bytes:
    """The text in UTF-8, from an encoding of ENCODINGS. Raises Invalid for what is not so encoded.

    UTF-8 itself is left to the format's reader, which can tell the row.
    """
    name = ENCODINGS[encoding]
    if name == "utf-8":
        return data
    try:
        return data.decode(name).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        raise Invalid(f"The file is not {encoding}, at byte {error.start}") from error
