"""The calls on buckets and on their notification configurations."""

from __future__ import annotations

from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.storage.domain import names
from localgcp.storage.domain.buckets import Buckets
from localgcp.storage.domain.conditions import Conditions
from localgcp.storage.domain.notifications import Notifications
from localgcp.storage.domain.resource import Resource
from localgcp.storage.errors import NotSupported
from localgcp.storage.wire import access
from localgcp.storage.wire.requests import MAX_DOCUMENT, UnknownPath, page_size, soft_deleted

_B = "/storage/v1/b/{bucket}"


class BucketCalls:
    """Of the pages "Buckets" and "Notifications" of the JSON API."""

    def __init__(self, buckets: Buckets, notifications: Notifications) -> None:
        self._buckets, self._notifications = buckets, notifications

    def routes(self) -> list[Route]:
        """For the front."""
        return [
            Route("GET", "/storage/v1/b", self._buckets_list),
            Route("POST", "/storage/v1/b", self._bucket_insert),
            Route("GET", _B, self._bucket_get),
            Route("PATCH", _B, self._bucket_patch),
            Route("POST", _B, self._bucket_post),
            Route("PUT", _B, self._bucket_update),
            Route("DELETE", _B, self._bucket_delete),
            Route("GET", _B + "/storageLayout", self._storage_layout),
            Route("POST", _B + "/notificationConfigs", self._notification_insert),
            Route("GET", _B + "/notificationConfigs", self._notifications_list),
            Route("GET", _B + "/notificationConfigs/{id_}", self._notification_get),
            Route("DELETE", _B + "/notificationConfigs/{id_}", self._notification_delete),
        ]

    async def _buckets_list(self, request: Request) -> Reply:
        found = await self._buckets.list_(request.query.get("prefix", ""))
        if soft_deleted(request):
            raise NotSupported("soft delete")
        after, size = request.query.get("pageToken", ""), page_size(request)
        rest = [each for each in found if each["name"] > after]
        answer: dict[str, Any] = {"kind": "storage#buckets"}
        if page := rest[:size]:
            answer["items"] = [_linked_bucket(each, request.root) for each in page]
        if len(rest) > size:
            answer["nextPageToken"] = page[-1]["name"]
        return Reply.json(answer)

    async def _bucket_insert(self, request: Request) -> Reply:
        if request.query.get("enableObjectRetention") in ("true", "True"):
            raise NotSupported("object retention")
        fields = await request.json(MAX_DOCUMENT)
        access.predefined(request.query, fields, bucket=True)
        made = await self._buckets.insert(fields)
        return Reply.json(_linked_bucket(made, request.root))

    async def _bucket_get(self, request: Request, bucket: str) -> Reply:
        if soft_deleted(request) or request.query.get("generation"):
            raise NotSupported("soft delete")
        found = await self._buckets.get(names.bucket(bucket), Conditions.of(request.query))
        if request.query.get("projection") == "full":
            found = {**found, **await self._buckets.lists(bucket)}
        return Reply.json(_linked_bucket(found, request.root))

    async def _bucket_post(self, request: Request, bucket: str) -> Reply:
        if request.headers.get("x-http-method-override") != "PATCH":
            raise UnknownPath(request.method, request.path)
        return await self._bucket_patch(request, bucket)

    async def _bucket_patch(self, request: Request, bucket: str, whole: bool = False) -> Reply:
        fields = await request.json(MAX_DOCUMENT)
        access.predefined(request.query, fields, bucket=True)
        if "acl" in fields or "defaultObjectAcl" in fields:
            await self._buckets.has_lists(names.bucket(bucket))
        changed = await self._buckets.patch(
            names.bucket(bucket), fields, Conditions.of(request.query), whole
        )
        if request.query.get("projection") == "full":
            changed = {**changed, **await self._buckets.lists(bucket)}
        return Reply.json(_linked_bucket(changed, request.root))

    async def _bucket_update(self, request: Request, bucket: str) -> Reply:
        return await self._bucket_patch(request, bucket, whole=True)

    async def _bucket_delete(self, request: Request, bucket: str) -> Reply:
        await self._buckets.delete(names.bucket(bucket), Conditions.of(request.query))
        return Reply(204)

    async def _storage_layout(self, request: Request, bucket: str) -> Reply:
        found = await self._buckets.get(names.bucket(bucket))
        return Reply.json(
            {
                "kind": "storage#storageLayout",
                "bucket": bucket,
                "location": found["location"],
                "locationType": found["locationType"],
            }
        )

    async def _notification_insert(self, request: Request, bucket: str) -> Reply:
        await self._buckets.get(names.bucket(bucket))
        config = await request.json(MAX_DOCUMENT)
        made = self._notifications.insert(bucket, config)
        return Reply.json(_linked_notification(made, bucket, request.root))

    async def _notifications_list(self, request: Request, bucket: str) -> Reply:
        await self._buckets.get(names.bucket(bucket))
        items = [
            _linked_notification(each, bucket, request.root)
            for each in self._notifications.list_(bucket)
        ]
        answer: dict[str, Any] = {"kind": "storage#notifications"}
        return Reply.json({**answer, "items": items} if items else answer)

    async def _notification_get(self, request: Request, bucket: str, id_: str) -> Reply:
        found = self._notifications.get(names.bucket(bucket), id_)
        return Reply.json(_linked_notification(found, bucket, request.root))

    async def _notification_delete(self, request: Request, bucket: str, id_: str) -> Reply:
        self._notifications.delete(names.bucket(bucket), id_)
        return Reply(204)


def _linked_bucket(found: Resource, root: str) -> Resource:
    return {**found, "selfLink": f"{root}/storage/v1/b/{found['name']}"}


def _linked_notification(found: Resource, bucket: str, root: str) -> Resource:
    return {**found, "selfLink": f"{root}/storage/v1/b/{bucket}/notificationConfigs/{found['id']}"}
