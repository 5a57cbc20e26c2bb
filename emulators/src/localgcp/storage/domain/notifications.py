"""Notifications: who wants to hear of a bucket's objects, and the messages that tell them.

By the pages "Pub/Sub notifications for Cloud Storage" and "Notifications" of the JSON API. The
messages go to Pub/Sub over the wire, by its REST API. Each is on disk before the change that it
tells of is answered, and stays there until Pub/Sub has it: at least once, also over a kill.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import orjson

from localgcp.storage.disk.records import Records
from localgcp.storage.domain.resource import now
from localgcp.storage.errors import Invalid, NotFound, NotSupported

log = logging.getLogger(__name__)

MAX_CONFIGS = 100  # Quotas: notification configurations per bucket
PAYLOADS = ("JSON_API_V1", "NONE")
BATCH = 100
RETRY_SECONDS = (0.1, 0.5, 2.0, 10.0)
_TOPIC = re.compile(r"//pubsub\.googleapis\.com/(projects/[^/]+/topics/[^/]+)")
_KNOWN = (
    "topic",
    "event_types",
    "custom_attributes",
    "payload_format",
    "object_name_prefix",
)


class Event(StrEnum):
    """What happens to an object. Archiving takes versions, which the emulator lacks."""

    FINALIZE = "OBJECT_FINALIZE"
    DELETE = "OBJECT_DELETE"
    METADATA_UPDATE = "OBJECT_METADATA_UPDATE"
    ARCHIVE = "OBJECT_ARCHIVE"


class Notifications:
    """The configurations of all buckets, and the messages on their way to `pubsub`, HOST:PORT."""

    def __init__(self, records: Records, pubsub: str | None) -> None:
        self._records, self._pubsub = records, pubsub
        self._posted = asyncio.Event()
        self._posted.set()  # of an earlier run, perhaps

    def insert(self, bucket: str, config: dict[str, Any]) -> dict[str, Any]:
        """Keep a configuration; it holds for what happens from now on. Raises Invalid."""
        if self._pubsub is None:
            raise NotSupported(
                "notifications without a Pub/Sub to send them to; start it with --pubsub HOST:PORT"
            )
        kept = {name: config[name] for name in _KNOWN if config.get(name)}
        _check(kept)
        if sum(1 for _ in self._records.notifications(bucket)) >= MAX_CONFIGS:
            raise Invalid("bucket", bucket, f"it has {MAX_CONFIGS} configurations, the most")
        kept.setdefault("payload_format", "JSON_API_V1")
        return _resource(bucket, self._records.add_notification(bucket, kept), kept)

    def list_(self, bucket: str) -> list[dict[str, Any]]:
        """All of a bucket."""
        return [_resource(bucket, *each) for each in self._records.notifications(bucket)]

    def get(self, bucket: str, id_: str) -> dict[str, Any]:
        """One of them. Raises NotFound."""
        found = next((each for each in self.list_(bucket) if each["id"] == id_), None)
        if found is None:
            raise NotFound(f"No such notification configuration: {bucket}/{id_}")
        return found

    def delete(self, bucket: str, id_: str) -> None:
        """Remove one. Raises NotFound."""
        self.get(bucket, id_)
        self._records.drop_notification(bucket, int(id_))

    def tell(
        self, event: Event, resource: Mapping[str, Any], more: Mapping[str, str] | None = None
    ) -> None:
        """Put a message for each configuration that asks for this event into the outbox."""
        bucket = resource["bucket"]
        if not self._records.notified(bucket):
            return
        for id_, config in self._records.notifications(bucket):
            if event in config.get("event_types", (event,)) and resource["name"].startswith(
                config.get("object_name_prefix", "")
            ):
                topic = _topic(config["topic"])
                self._records.post(topic, _message(event, resource, more or {}, id_, config))
                self._posted.set()

    async def deliver(self) -> None:
        """Publish what is in the outbox, for ever; runs beside the server."""
        if self._pubsub is None:
            return
        import httpx

        async with httpx.AsyncClient(base_url=f"http://{self._pubsub}", timeout=10.0) as client:
            failures = 0
            while True:
                await self._posted.wait()
                self._posted.clear()
                while batch := self._records.posted(BATCH):
                    try:
                        for id_, topic, message in batch:
                            await self._publish(client.post, topic, message)
                            self._records.published(id_)
                        failures = 0
                    except httpx.HTTPError as error:
                        pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                        failures += 1
                        log.warning("Pub/Sub at %s: %s; again in %g s", self._pubsub, error, pause)
                        await asyncio.sleep(pause)

    async def _publish(
        self, post: Callable[..., Any], topic: str, message: Mapping[str, Any]
    ) -> None:
        """Publish one message. Raises httpx.HTTPError where it is worth another try."""
        answer = await post(f"/v1/{topic}:publish", json={"messages": [message]})
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            answer.raise_for_status()
        if answer.status_code >= 400:
            log.warning("a notification is dropped: %s: %s", topic, answer.text)


def _check(config: Mapping[str, Any]) -> None:
    topic = config.get("topic")
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        shape = "//pubsub.googleapis.com/projects/PROJECT/topics/TOPIC"
        raise Invalid("topic", topic, f"it is {shape}")
    payload = config.get("payload_format", PAYLOADS[0])
    if payload not in PAYLOADS:
        raise Invalid("payload_format", payload, f"it is one of {', '.join(PAYLOADS)}")
    types = config.get("event_types", [])
    if not isinstance(types, list) or set(types) - set(Event):
        raise Invalid("event_types", types, f"a list of {', '.join(Event)}")
    attributes = config.get("custom_attributes", {})
    if not isinstance(attributes, dict) or not all(
        isinstance(value, str) for value in attributes.values()
    ):
        raise Invalid("custom_attributes", attributes, "an object of strings")


def _topic(full: str) -> str:
    found = _TOPIC.fullmatch(full)
    assert found is not None
    return found[1]


def _resource(bucket: str, id_: int, config: Mapping[str, Any]) -> dict[str, Any]:
    etag = str(id_)
    return {"kind": "storage#notification", "id": str(id_), "etag": etag, **config}


def _message(
    event: Event,
    resource: Mapping[str, Any],
    more: Mapping[str, str],
    id_: int,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    bucket = resource["bucket"]
    attributes = {
        **config.get("custom_attributes", {}),
        "notificationConfig": f"projects/_/buckets/{bucket}/notificationConfigs/{id_}",
        "eventType": event.value,
        "payloadFormat": config["payload_format"],
        "bucketId": bucket,
        "objectId": resource["name"],
        "objectGeneration": resource["generation"],
        "eventTime": now(),
        **more,
    }
    if config["payload_format"] == "NONE":
        return {"attributes": attributes}
    return {
        "attributes": attributes,
        "data": base64.b64encode(orjson.dumps(dict(resource))).decode(),
    }
