"""Objects: what the binary does with them, made to hold what Cloud Storage promises of them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from localgcp.storage.disk.records import ObjectRecord, Records
from localgcp.storage.disk.upstream import Answer, Upstream
from localgcp.storage.domain import content, public_access
from localgcp.storage.domain.conditions import Conditions, State
from localgcp.storage.domain.locks import NameLocks
from localgcp.storage.domain.notifications import Event, Notifications
from localgcp.storage.domain.place import Place
from localgcp.storage.domain.resource import (
    BY_BINARY,
    BY_FRONT,
    Resource,
    merged,
    patched,
    recorded,
    stored,
    writable,
)
from localgcp.storage.errors import (
    BinaryFailed,
    Forbidden,
    Invalid,
    NoSuchBucket,
    NoSuchObject,
    NotFound,
    NotSupported,
)


class Objects:
    """All objects of one binary."""

    def __init__(self, upstream: Upstream, records: Records, notifications: Notifications) -> None:
        self._upstream, self._records = upstream, records
        self._notifications = notifications
        self.locks = NameLocks()

    async def find(self, place: Place) -> Resource | None:
        """The live object's resource, without links."""
        status, raw = await self._upstream.document("GET", place.path)
        if status == 404:
            return None
        return recorded(kept(status, raw), self._records)

    async def get(self, place: Place, conditions: Conditions) -> Resource:
        """The same. Raises NoSuchObject, NoSuchBucket, PreconditionFailed, NotModified."""
        found = await self.find(place)
        if found is None or conditions.generation not in (None, int(found["generation"])):
            raise await self.missing(place)
        conditions.check(state_of(found), reading=True)
        return found

    async def read(
        self, place: Place, conditions: Conditions, headers: Sequence[tuple[str, str]], method: str
    ) -> tuple[Answer, ObjectRecord]:
        """The content, as it streams, and what of its metadata differs from its headers."""
        answer = await self._upstream.call(method, f"/download{place.path}?alt=media", headers)
        if answer.status == 404:
            answer.close()
            raise await self.missing(place)
        generation = int(answer.header(b"x-goog-generation") or 0)
        record = self._records.object_(*place.key, generation)
        try:
            if conditions.generation not in (None, generation):
                raise await self.missing(place)
            conditions.check(State(generation, record.metageneration), reading=True)
        except BaseException:
            answer.close()
            raise
        return answer, record

    async def store(
        self,
        place: Place,
        fields: Resource,
        stream: AsyncIterator[bytes],
        conditions: Conditions,
        own: Resource | None = None,
    ) -> Resource:
        """Store a new generation while its content streams in.

        `fields` is the request's resource, with the checksums that it declares; `own` is what the
        front tells of it in the binary's place. Raises NoSuchBucket, PreconditionFailed, Invalid
        for a checksum, Forbidden for a hold.
        """
        wanted = stored(writable(fields))
        public_access.check(self._records.bucket(place.bucket), wanted)
        self.with_bucket_defaults(place.bucket, wanted)
        async with self.locks.shared(place.key):
            before = await self.before_change(place, conditions)
            given = {
                name: str(value)
                for name, value in conditions.given.items()
                if name in ("ifGenerationMatch", "ifGenerationNotMatch")
            }
            query = urlencode({"uploadType": "multipart", "name": place.file, **given})
            boundary = secrets.token_hex(16)
            answer = await self._upstream.call(
                "POST",
                f"/upload/storage/v1/b/{place.bucket}/o?{query}",
                [("content-type", f"multipart/related; boundary={boundary}")],
                content.parts(boundary, wanted, content.verified(stream, fields)),
            )
            raw = await answer.json()
            if answer.status == 404:
                raise NoSuchBucket(place.bucket)
            if answer.status == 412:
                conditions.check(state_of(await self.find(place)))
            told = {**own_fields(wanted), **(own or {})}
            return self.written(place, kept(answer.status, raw), told, before)

    async def patch(
        self, place: Place, changes: Resource, conditions: Conditions, replace: bool = False
    ) -> Resource:
        """Change metadata: a new metageneration. With `replace`, what is not given goes.

        Raises what `get` does, Invalid, PublicAccessPrevented.
        """
        changes = writable(changes)
        public_access.check(self._records.bucket(place.bucket), changes)
        uniform = self._records.bucket(place.bucket).fields.get("iamConfiguration", {})
        if "acl" in changes and (uniform.get("uniformBucketLevelAccess") or {}).get("enabled"):
            raise Invalid("acl", place.name, "its bucket has uniform bucket-level access")
        current = await self.get(place, Conditions({}, conditions.generation))
        # From here on nothing waits, so no other change comes between.
        conditions.check(state_of(current))
        record = self._records.object_(*place.key, int(current["generation"]))
        if replace:
            kept = ("contentEncoding", "storageClass", "acl")
            absent = {n: None for n in current if n in BY_BINARY | BY_FRONT and n not in kept}
            changes = {**absent, **changes}
            if changes.get("metadata"):
                gone = dict.fromkeys(current.get("metadata", {}))
                changes["metadata"] = {**gone, **changes["metadata"]}
        record = patched(current, record, changes)
        self._records.put_object(*place.key, record)
        found = merged(current, record)
        self._notifications.tell(Event.METADATA_UPDATE, found)
        return found

    async def delete(self, place: Place, conditions: Conditions) -> None:
        """Delete an object. Raises NoSuchObject, NoSuchBucket, PreconditionFailed, Forbidden."""
        alone, beside = self.locks.alone, self.locks.shared
        async with alone(place.key) if conditions else beside(place.key):
            await self.delete_alone(place, conditions)

    async def delete_alone(self, place: Place, conditions: Conditions) -> None:
        """The same, by one who holds the lock."""
        before = await self.before_change(place, conditions)
        if conditions.generation is not None and (
            before is None or int(before["generation"]) != conditions.generation
        ):
            raise await self.missing(place)
        if before is None and self._records.notified(place.bucket):
            raise await self.missing(place)
        status, raw = await self._upstream.document("DELETE", place.path)
        if status == 404:
            raise await self.missing(place)
        kept(status, raw)
        self._records.drop_object(*place.key)
        if before is not None:
            self._notifications.tell(Event.DELETE, before)

    async def before_change(
        self, place: Place, conditions: Conditions, always: bool = False
    ) -> Resource | None:
        """What is there before a change, looked up only where it matters to anybody."""
        if place.file != place.name:
            self._records.rename_in(place.bucket)
        held = self._records.has_object(*place.key)
        if not (conditions or held or self._records.notified(place.bucket) or always):
            return None
        before = await self.find(place)
        conditions.check(state_of(before))
        for hold in ("temporaryHold", "eventBasedHold"):
            if before and before.get(hold):
                raise Forbidden(
                    f"Object '{place.bucket}/{place.name}' is under active {hold} and cannot be "
                    "deleted or overwritten."
                )
        return before

    def written(
        self, place: Place, raw: Mapping[str, Any], own: Resource, before: Resource | None
    ) -> Resource:
        """A new generation is on disk: keep what is ours of it, and tell who wants to hear."""
        record = ObjectRecord(int(raw["generation"]), 1, own)
        if own:
            self._records.put_object(*place.key, record)
        else:
            self._records.drop_object(*place.key)
        found = merged({**raw, "name": place.name}, record)
        if self._records.notified(place.bucket):
            if before is not None:
                overwritten = {"overwrittenByGeneration": found["generation"]}
                self._notifications.tell(Event.DELETE, before, overwritten)
            overwrote = {"overwroteGeneration": before["generation"]} if before else {}
            self._notifications.tell(Event.FINALIZE, found, overwrote)
        return found

    def with_bucket_defaults(self, bucket: str, wanted: Resource) -> None:
        """Give a new object what its bucket has for those that do not say."""
        fields = self._records.bucket(bucket).fields
        if fields.get("storageClass"):
            wanted.setdefault("storageClass", fields["storageClass"])
        if fields.get("defaultEventBasedHold"):
            wanted.setdefault("eventBasedHold", True)

    async def missing(self, place: Place) -> NotFound:
        """What to raise: it may be that the bucket is not there."""
        status, _ = await self._upstream.document("GET", f"/storage/v1/b/{place.bucket}")
        return NoSuchBucket(place.bucket) if status == 404 else NoSuchObject(*place.key)


def own_fields(wanted: Resource) -> Resource:
    """What of a new object the front keeps."""
    own = {name: value for name, value in wanted.items() if name in BY_FRONT}
    # The binary keeps it too, but does not tell it with the content.
    if wanted.get("storageClass", "STANDARD") != "STANDARD":
        own["storageClass"] = wanted["storageClass"]
    return own


def state_of(found: Resource | None) -> State:
    """As conditions see it."""
    if found is None:
        return State()
    return State(int(found["generation"]), int(found["metageneration"]))


def kept(status: int, raw: dict[str, Any]) -> dict[str, Any]:
    """The binary's answer, if it is one. Raises NotSupported for what its file system refuses."""
    if status < 300:
        return raw
    message = str(raw.get("error", {}).get("message", "")) or f"status {status}"
    if "not a directory" in message or "is a directory" in message or "file exists" in message:
        raise NotSupported(
            "an object beside others whose names go on from its own with a slash, since one is a "
            f"file and the other a folder on disk ({message.rsplit(':', 1)[-1].strip()})"
        )
    if "file name too long" in message:
        raise NotSupported("an object name as long as this: the file system takes no such path")
    raise BinaryFailed(f"fake-gcs-server answered {status}: {message}")
