"""Listings of a bucket's objects, by the page "Objects: list" of the JSON API.

The binary lists what it keeps, by the names of its files. Where all of a bucket's objects are
called as their files are, a page of the binary's is the answer; else, and for what the binary
does not know, all that it has below the prefix is looked through here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from localgcp.storage.disk.file_names import folder_of
from localgcp.storage.disk.records import Records
from localgcp.storage.disk.upstream import Upstream
from localgcp.storage.domain import globs
from localgcp.storage.domain.objects import kept
from localgcp.storage.domain.resource import Resource, recorded
from localgcp.storage.errors import Invalid, NoSuchBucket, NotSupported

MAX_PAGE = 1000
_BY_BINARY = (
    *("prefix", "delimiter", "startOffset", "endOffset", "includeTrailingDelimiter"),
    *("pageToken", "maxResults"),
)
_OURS = "after:"
"""Begins the page tokens of listings that are made here; the binary's are base64 too."""


class Listings:
    """Of all buckets of one binary."""

    def __init__(self, upstream: Upstream, records: Records) -> None:
        self._upstream, self._records = upstream, records

    async def page(self, bucket: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page, in the order of the names. Raises NoSuchBucket, Invalid, NotSupported."""
        _refuse(query)
        after = _after(query.get("pageToken", ""))
        trailing = query.get("includeTrailingDelimiter", "").lower() == "true"
        ours = query.get("matchGlob") or trailing or self._records.renames(bucket)
        if after is None and (not ours or query.get("pageToken")):
            return await self._binarys(bucket, {n: query[n] for n in _BY_BINARY if query.get(n)})
        found = await self._below(bucket, folder_of(query.get("prefix", "")))
        return _page(found, query, trailing, after or "")

    async def _below(self, bucket: str, folder: str) -> list[Resource]:
        """All objects whose files are below a folder."""
        found: list[Resource] = []
        asked = {"prefix": folder, "maxResults": str(MAX_PAGE)}
        while True:
            page = await self._binarys(bucket, asked)
            found += page.get("items") or ()
            if not page.get("nextPageToken"):
                return found
            asked["pageToken"] = page["nextPageToken"]

    async def _binarys(self, bucket: str, query: Mapping[str, str]) -> dict[str, Any]:
        target = f"/storage/v1/b/{bucket}/o?{urlencode(query)}"
        status, page = await self._upstream.document("GET", target)
        if status == 404:
            raise NoSuchBucket(bucket)
        kept(status, page)
        # The binary writes null for none.
        items = [recorded(item, self._records) for item in page.pop("items", None) or ()]
        return {**page, "items": items} if items else page


def _refuse(query: Mapping[str, str]) -> None:
    if query.get("filter"):
        raise NotSupported("filter in a listing")
    if query.get("softDeleted", "").lower() == "true":
        raise NotSupported("soft delete")
    if query.get("matchGlob") and query.get("delimiter"):
        if query["delimiter"] != "/":
            raise Invalid("delimiter", query["delimiter"], "beside matchGlob it is a slash")
        raise NotSupported("delimiter beside matchGlob in a listing")


def _page(
    found: Iterable[Resource], query: Mapping[str, str], trailing: bool, after: str
) -> dict[str, Any]:
    """What of `found` is asked for, after the item or prefix that the page before ended with."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    glob = globs.compiled(query["matchGlob"]) if query.get("matchGlob") else None
    begin, end = query.get("startOffset", ""), query.get("endOffset", "")
    limit = int(query.get("maxResults") or MAX_PAGE)
    items: list[Resource] = []
    prefixes: list[str] = []
    page: dict[str, Any] = {"kind": "storage#objects"}
    last = ""
    for item in sorted(found, key=lambda each: _order(each["name"])):
        name = item["name"]
        if not name.startswith(prefix) or _order(name) < _order(begin):
            continue
        if (end and _order(name) >= _order(end)) or (glob and not glob.fullmatch(name)):
            continue
        folder = _folder(name, prefix, delimiter)
        named = folder != last or not folder  # what one folder holds comes in a row
        is_item = not folder or (trailing and folder == name)
        if _order(folder or name) <= _order(after) or not (named or is_item):
            continue
        if named and len(items) + len(prefixes) >= limit:
            page["nextPageToken"] = base64.b64encode((_OURS + last).encode()).decode()
            break
        if named and folder:
            prefixes.append(folder)
        if is_item:
            items.append(item)
        last = folder or name
    return page | ({"prefixes": prefixes} if prefixes else {}) | ({"items": items} if items else {})


def _folder(name: str, prefix: str, delimiter: str) -> str:
    """What the name is truncated to, or nothing where it is listed itself."""
    at = name.find(delimiter, len(prefix)) if delimiter else -1
    return name[: at + len(delimiter)] if at >= 0 else ""


def _order(name: str) -> bytes:
    return name.encode()


def _after(token: str) -> str | None:
    """Where the page before ended, if it was one of ours."""
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.removeprefix(_OURS) if text.startswith(_OURS) else None
