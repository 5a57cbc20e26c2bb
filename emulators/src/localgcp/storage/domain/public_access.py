"""Public access prevention: no list or policy of a bucket that enforces it names everybody.

By the page "Public access prevention".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localgcp.storage.disk.records import BucketRecord
from localgcp.storage.errors import PublicAccessPrevented

EVERYBODY = ("allUsers", "allAuthenticatedUsers")


def check(bucket: BucketRecord, fields: Mapping[str, Any]) -> None:
    """Look at the lists and the policy among `fields`. Raises PublicAccessPrevented."""
    configuration = bucket.fields.get("iamConfiguration") or {}
    if configuration.get("publicAccessPrevention") != "enforced":
        return
    for one in _named(fields):
        if one in EVERYBODY:
            raise PublicAccessPrevented(one)


def _named(fields: Mapping[str, Any]) -> Iterator[str]:
    for lists in ("acl", "defaultObjectAcl"):
        yield from (str(each.get("entity")) for each in fields.get(lists) or ())
    for binding in (fields.get("iam") or {}).get("bindings") or ():
        yield from binding.get("members") or ()
