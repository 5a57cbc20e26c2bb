"""Cloud Storage subscriptions: messages are gathered into objects, written over the wire.

Page "Cloud Storage subscriptions". An object is written whole, once it is full or as old as it may
be, and its messages are acked after that; one that was never answered is written again, so that an
object may come twice and a message in two of them, but none is lost.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import AvroConfig, CloudStorageConfig
from localgcp.pubsub.domain.destinations import State, object_name
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.schemas import definition
from localgcp.pubsub.domain.schemas.definition import Language
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import Mismatch, NotFound
from localgcp.pubsub.wire import layout
from localgcp.pubsub.wire.bigquery_rows import topic_values
from localgcp.pubsub.wire.consumer import Consumer
from localgcp.pubsub.wire.http_post import Answer, Poster
from localgcp.pubsub.wire.settling import Settling

LEASE_MARGIN_S = 300
"""How much longer messages are held than an object may be gathered."""

_DATA = {"name": "data", "type": "bytes"}
_METADATA = [
    {"name": "subscription", "type": "string"},
    {"name": "message_id", "type": "string"},
    {"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "attributes", "type": {"type": "map", "values": "string"}},
]


class StorageExport:
    """Writes the messages of one subscription to its bucket at `base`, http://HOST:PORT."""

    def __init__(
        self,
        broker: Broker,
        subscription: Subscription,
        poster: Poster,
        base: str,
        turned: Callable[[], Coroutine[object, object, None]],
    ) -> None:
        """`turned()` returns when the clock is turned: what is due then is due at once."""
        config = subscription.config.cloud_storage_config
        assert config is not None and config.max_duration is not None
        self._config: CloudStorageConfig = config
        self._duration = config.max_duration.total
        self._broker, self._subscription, self._poster = broker, subscription, poster
        self._base, self._turned = base, turned
        self._settling = Settling(broker, subscription)

    async def run(self) -> None:
        """Write until it is cancelled. Raises NotFound, WrongState once there is no more to."""
        await self._look()
        while True:
            await self._object()

    async def _look(self) -> None:
        bucket = quote(self._config.bucket, safe="")
        self._found(await self._poster.answer("GET", f"{self._base}/storage/v1/b/{bucket}"))

    async def _object(self) -> None:
        """Gather one object and write it."""
        consumer = Consumer(
            self._subscription,
            self._broker.clock,
            self._config.max_messages,
            self._config.max_bytes,
            int(self._duration) + LEASE_MARGIN_S,
        )
        gathered = [(entry.ack_id, entry.shown) for entry in await consumer.batch()]
        begun = self._broker.clock()
        while not consumer.full and (left := begun + self._duration - self._broker.clock()) > 0:
            more = asyncio.ensure_future(consumer.batch())
            turned = asyncio.ensure_future(self._turned())
            try:
                await asyncio.wait((more, turned), timeout=left, return_when="FIRST_COMPLETED")
                if more.done():
                    gathered += [(entry.ack_id, entry.shown) for entry in more.result()]
            finally:
                turned.cancel()
                more.cancel()
                await asyncio.gather(more, turned, return_exceptions=True)
        await self._write(gathered, begun)

    async def _write(self, gathered: list[tuple[str, Message]], begun: float) -> None:
        for ack_ids, messages in self._parts(gathered):
            try:
                raw = self._laid_out(messages)
            except Mismatch as error:
                self._settling.state(State.SCHEMA_MISMATCH, str(error))
                self._settling.failed(ack_ids, str(error))
                continue
            answer = await self._upload(raw, begun)
            self._found(answer)
            if answer.code == 200:
                await self._settling.written(ack_ids)
            else:
                self._settling.failed(ack_ids, f"the answer was {answer.code}")

    def _parts(
        self, gathered: list[tuple[str, Message]]
    ) -> Iterable[tuple[list[str], list[Message]]]:
        """Messages that go into one object: of one schema, where objects have one."""
        parts: dict[str, tuple[list[str], list[Message]]] = {}
        for ack_id, message in gathered:
            avro = self._config.avro_config
            key = ""
            if avro is not None and avro.use_topic_schema:
                key = layout.attributes(message.wire).get("googclient_schemarevisionid", "")
            ack_ids, messages = parts.setdefault(key, ([], []))
            ack_ids.append(ack_id)
            messages.append(message)
        return parts.values()

    def _laid_out(self, messages: list[Message]) -> bytes:
        """An object's content. Raises Mismatch."""
        avro = self._config.avro_config
        if avro is None:
            return b"".join(layout.data(message.wire) + b"\n" for message in messages)
        return self._avro(messages, avro)

    def _avro(self, messages: list[Message], config: AvroConfig) -> bytes:
        from fastavro import writer

        if config.use_topic_schema:
            schema = self._topic_schema(messages[0])
            records = [topic_values(layout.proto(each), self._broker.schemas) for each in messages]
        else:
            name = "PubsubMessageWithMetadata" if config.write_metadata else "PubsubMessage"
            fields = [*(_METADATA if config.write_metadata else []), _DATA]
            schema = {"type": "record", "namespace": "com.google.pubsub", "name": name}
            schema["fields"] = fields
            records = [self._record(each, config.write_metadata) for each in messages]
        out = io.BytesIO()
        writer(out, schema, records)
        return out.getvalue()

    def _record(self, message: Message, metadata: bool) -> dict[str, Any]:
        proto = layout.proto(message)
        record: dict[str, Any] = {"data": proto.data}
        if metadata:
            attributes = dict(proto.attributes)
            if proto.ordering_key:
                attributes["ordering_key"] = proto.ordering_key
            record["subscription"] = self._subscription.name
            record["message_id"] = proto.message_id
            record["publish_time"] = datetime.fromtimestamp(message.published, UTC)
            record["attributes"] = attributes
        return record

    def _topic_schema(self, message: Message) -> Any:
        from localgcp.pubsub.domain.schemas.avro import AvroDefinition

        said = layout.attributes(message.wire)
        name = f"{said.get('googclient_schemaname')}@{said.get('googclient_schemarevisionid')}"
        try:
            source = self._broker.schemas.get(name).source
        except NotFound as error:
            raise Mismatch(f"The message has no schema any more: {error}") from error
        if source.language is not Language.AVRO:
            raise Mismatch("The topic's schema is not in Avro.")
        compiled = definition.compile(source)
        assert isinstance(compiled, AvroDefinition)
        return compiled.parsed

    async def _upload(self, raw: bytes, begun: float) -> Answer:
        name = object_name(self._config, begun, secrets.token_hex(4))
        query = urlencode({"uploadType": "media", "name": name, "ifGenerationMatch": "0"})
        bucket = quote(self._config.bucket, safe="")
        url = f"{self._base}/upload/storage/v1/b/{bucket}/o?{query}"
        kind = "text/plain" if self._config.avro_config is None else "application/octet-stream"
        return await self._poster.answer("POST", url, raw, {"Content-Type": kind})

    def _found(self, answer: Answer) -> None:
        if answer.code == 200:
            self._settling.state(State.ACTIVE)
        else:
            self._settling.refused(answer)
