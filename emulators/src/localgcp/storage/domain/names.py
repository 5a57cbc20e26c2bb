"""Which names of buckets and objects there may be.

By "Bucket names" and "About Cloud Storage objects" of Cloud Storage's documentation.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from localgcp.storage.errors import Invalid

MAX_OBJECT_NAME = 1024
MAX_BUCKET_NAME, MAX_DOTTED_BUCKET_NAME = 63, 222

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_BUCKET_RULE = (
    "3 to 63 lowercase letters, digits, dashes, underscores and dots, "
    "a letter or digit at both ends"
)


def bucket(name: object, field: str = "bucket") -> str:
    """The name if it is a bucket's. Raises Invalid with the field, the value and the rule."""
    if not isinstance(name, str) or not _BUCKET.fullmatch(name):
        raise Invalid(field, name, f"a bucket name is {_BUCKET_RULE}")
    parts = name.split(".")
    longest = MAX_DOTTED_BUCKET_NAME if len(parts) > 1 else MAX_BUCKET_NAME
    if not 3 <= len(name) <= longest:
        raise Invalid(field, name, f"a bucket name is {_BUCKET_RULE}")
    if any(not 1 <= len(part) <= MAX_BUCKET_NAME for part in parts):
        raise Invalid(field, name, "each part between the dots is 1 to 63 characters")
    if name.startswith("goog") or "google" in name or "g00gle" in name:
        raise Invalid(field, name, 'a bucket name has no "goog" in front and no "google" in it')
    if _is_address(name):
        raise Invalid(field, name, "a bucket name is no IP address")
    return name


def object_(name: object, field: str = "name") -> str:
    """The name if an object may have it. Raises Invalid with the field, the value and the rule."""
    if not isinstance(name, str) or not name:
        raise Invalid(field, name, "an object name is 1 to 1024 bytes of UTF-8")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise Invalid(field, ascii(name), "an object name is UTF-8") from error
    if size > MAX_OBJECT_NAME:
        raise Invalid(field, name, f"an object name is 1 to 1024 bytes of UTF-8, this is {size}")
    if "\r" in name or "\n" in name:
        raise Invalid(field, name, "an object name has no carriage return or line feed")
    if name in (".", ".."):
        raise Invalid(field, name, 'an object name is not "." or ".."')
    if name.startswith(".well-known/acme-challenge/"):
        raise Invalid(field, name, "an object name does not begin .well-known/acme-challenge/")
    return name


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True
