"""Objects made from objects: copies, renames, and up to 32 joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import orjson

from localgcp.storage.disk.upstream import Upstream
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.objects import Objects, kept, own_fields, state_of
from localgcp.storage.domain.place import Place, Source
from localgcp.storage.domain.resource import BY_BINARY, Resource, stored, writable
from localgcp.storage.errors import Invalid, NoSuchBucket, NotSupported

MAX_SOURCES = 32  # Quotas: "Maximum number of source objects per compose request"


class Copies:
    """Copies among the objects of one binary."""

    def __init__(self, upstream: Upstream, objects: Objects) -> None:
        self._upstream, self._objects = upstream, objects

    async def copy(
        self, source: Source, target: Place, fields: Resource, conditions: Conditions
    ) -> Resource:
        """Copy content; `fields` is the new object's metadata, or empty to take the source's."""
        wanted = writable(fields)
        async with self._objects.locks.alone(target.key):
            return await self._copy(source, target, wanted, conditions)

    async def move(self, source: Source, target: Place, conditions: Conditions) -> Resource:
        """Rename within a bucket, seen by others as one step."""
        async with self._objects.locks.alone(source.place.key, target.key):
            found = await self._copy(source, target, {}, conditions)
            if source.place != target:
                await self._objects.delete_alone(source.place, Conditions({}))
            return found

    async def compose(
        self, target: Place, sources: Sequence[Source], fields: Resource, conditions: Conditions
    ) -> Resource:
        """Join up to 32 objects of one bucket into one."""
        if not 1 <= len(sources) <= MAX_SOURCES:
            raise Invalid("sourceObjects", len(sources), f"1 to {MAX_SOURCES} of them")
        wanted = stored(writable(fields))
        self._objects.with_bucket_defaults(target.bucket, wanted)
        async with self._objects.locks.alone(target.key):
            parts = [await self._source(each) for each in sources]
            before = await self._objects.before_change(target, conditions, always=True)
            body = {
                "sourceObjects": [{"name": each.place.file} for each in sources],
                "destination": {n: v for n, v in wanted.items() if n in BY_BINARY},
            }
            status, raw = await self._upstream.document(
                "POST", f"{target.path}/compose", orjson.dumps(body)
            )
            count = sum(int(part.get("componentCount", 1)) for part in parts)
            # A composite object has no MD5 ("Composite objects").
            own = {**own_fields(wanted), "componentCount": count, "md5Hash": None}
            if custom := wanted.get("customTime"):
                own["customTime"] = custom
            return self._objects.written(target, kept(status, raw), own, before)

    async def _copy(
        self, source: Source, target: Place, wanted: Resource, conditions: Conditions
    ) -> Resource:
        original = await self._source(source)
        same = {n: v for n, v in original.items() if n in BY_BINARY}
        fields = stored(wanted) if wanted else same
        if original.get("contentEncoding") and not fields.get("contentEncoding"):
            raise NotSupported("a copy without its source's contentEncoding")
        before = await self._objects.before_change(target, conditions, always=True)
        to = f"/copyTo/b/{target.bucket}/o/{quote(target.file, safe='')}"
        body = orjson.dumps({n: v for n, v in fields.items() if n in BY_BINARY})
        status, raw = await self._upstream.document("POST", f"{source.place.path}{to}", body)
        if status == 404:
            raise NoSuchBucket(target.bucket)
        kept(status, raw)
        own = own_fields(fields)
        self._objects.with_bucket_defaults(target.bucket, fields)
        for name in BY_BINARY:
            if fields.get(name) != raw.get(name):
                own[name] = fields.get(name)
        for name in ("componentCount", "md5Hash"):
            if original.get(name) != raw.get(name):
                own[name] = original.get(name)
        return self._objects.written(target, raw, own, before)

    async def _source(self, source: Source) -> Resource:
        found = await self._objects.find(source.place)
        wanted = source.conditions.generation
        if found is None or wanted not in (None, int(found["generation"])):
            raise await self._objects.missing(source.place)
        source.conditions.check(state_of(found))
        return found
