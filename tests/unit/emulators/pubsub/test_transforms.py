"""Message transforms: functions that somebody wrote, and what they can't do to the emulator."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace

import pytest

from localgcp.pubsub.domain import transforms
from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.domain.transform_config import (
    Compression,
    CompressionAlgorithm,
    CompressionMode,
    JavaScriptUDF,
    MessageTransform,
)
from localgcp.pubsub.domain.transforms import Chain, Content
from localgcp.pubsub.errors import InvalidArgument, TransformFailed
from localgcp.pubsub.wire import protos
from localgcp.pubsub.wire.consumer import Consumer
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, drafts, read

MESSAGE = Content(b'{"a": 1}', {"k": "v"}, "17", "key", 1_700_000_000.9)


def code(text: str, name: str = "f", disabled: bool = False) -> MessageTransform:
    return MessageTransform(javascript_udf=JavaScriptUDF(name, text), disabled=disabled)


def udf(body: str, name: str = "f") -> MessageTransform:
    return code(f"function {name}(message, metadata) {{ {body} }}", name)


def zipped(mode: CompressionMode) -> MessageTransform:
    return MessageTransform(compression=Compression(CompressionAlgorithm.ZLIB, mode))


def test_a_function_sees_the_message_and_its_metadata_and_changes_it() -> None:
    body = """
      const data = JSON.parse(message.data);
      data.a += 1;
      message.attributes["id"] = metadata.message_id + metadata.ordering_key;
      message.attributes["time"] = metadata.publish_time;
      return {data: JSON.stringify(data), attributes: message.attributes};
    """
    changed = Chain([udf(body)])(MESSAGE)
    assert changed is not None
    assert changed.data == b'{"a":2}'
    assert changed.attributes == {"k": "v", "id": "17key", "time": "2023-11-14T22:13:20Z"}
    assert (changed.message_id, changed.ordering_key) == ("17", "key")


def test_null_drops_a_message_and_no_attributes_removes_them() -> None:
    assert Chain([udf("return null;")])(MESSAGE) is None
    kept = Chain([udf("return {data: message.data};")])(MESSAGE)
    assert kept is not None
    assert kept.attributes == {}


def test_one_after_the_other_but_for_disabled_ones() -> None:
    def add(text: str, name: str, disabled: bool = False) -> MessageTransform:
        return code(f"const {name} = (m) => {{ m.data += '{text}'; return m; }}", name, disabled)

    chain = Chain([add("1", "f"), add("2", "g", disabled=True), add("3", "h")])
    changed = chain(Content(b"0", {}))
    assert changed is not None
    assert changed.data == b"013"
    assert not Chain([add("2", "g", disabled=True)])


def test_compression_there_and_back() -> None:
    back = zipped(CompressionMode.DECOMPRESS)
    assert Chain([zipped(CompressionMode.COMPRESS), back])(MESSAGE) == MESSAGE
    for wrong in (b"nothing", zlib.compress(b"x")[:-1], zlib.compress(bytes(20_000_000))):
        with pytest.raises(TransformFailed, match=r"ZLIB|decompressed"):
            Chain([back])(Content(wrong, {}))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("while (true) {}", "interrupted"),
        ("return f(message);", "Maximum call stack"),
        ("const a = []; while (true) a.push('x'.repeat(100000));", "out of memory|interrupted"),
        ("/(a+)+$/.test('a'.repeat(40) + 'b');", "interrupted"),
        ("throw new Error('no such order');", "Error: no such order"),
        ("", "returned undefined"),
        ("return 3;", "returns a map"),
        ("return {data: 3};", "returns a map"),
        ("return {data: '', more: 1};", "returns a map"),
        ("return {data: '', attributes: {a: 1}};", "map of strings"),
        ("return require('fs');", "require is not defined"),
    ],
)
def test_a_function_that_fails_fails_the_message_alone(body: str, why: str) -> None:
    chain = Chain([udf(body)])
    with pytest.raises(TransformFailed, match=f"^f: .*({why})"):
        chain(MESSAGE)
    with pytest.raises(TransformFailed, match=f"^f: .*({why})"):
        chain(MESSAGE)  # and the engine is whole again


def test_data_that_is_no_text() -> None:
    with pytest.raises(TransformFailed, match="no UTF-8"):
        Chain([udf("return message;")])(Content(b"\xff", {}))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([udf("")] * 6, "6 message transforms, more than 5"),
        ([udf(""), udf(" ")], "not unique: f, f"),
        ([code("", "f g")], "Invalid function_name: 'f g'"),
        ([code("let x = 1;")], "no function f"),
        ([code("function f( {")], "SyntaxError"),
        ([code("while (true) {}")], "interrupted"),
        ([code(" " * 20_001)], "20001 bytes, more than 20000"),
        ([MessageTransform()], "no javascript_udf and no compression"),
        ([MessageTransform(compression=Compression())], "ALGORITHM_UNSPECIFIED"),
    ],
)
def test_what_a_resource_cannot_have(given: list[MessageTransform], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        transforms.check(given)


def test_what_a_resource_can_have() -> None:
    transforms.check([udf("return message;"), zipped(CompressionMode.COMPRESS)])


ADD = "message.data += '!'; return message;"
ODD = "return message.attributes.odd ? null : message;"
FAIL = "if (message.data == 'bad') throw new Error('bad'); return message;"


def test_a_topics_transforms_come_before_all_else(bench: Bench) -> None:
    transforms_ = (udf(ADD), udf(ODD, "g"), udf(FAIL.replace("bad'", "bad!'"), "h"))
    bench.broker.update_topic(TopicConfig(TOPIC, message_transforms=transforms_))
    subscription = bench.subscribe()
    messages = [
        protos.PubsubMessage(data=b"a"),
        protos.PubsubMessage(data=b"b", attributes={"odd": "1"}),
        protos.PubsubMessage(data=b"c"),
    ]
    ids = bench.broker.publish(TOPIC, drafts(*messages))
    assert len(set(ids)) == 3
    assert list(bench.pull(subscription)) == ["a!", "c!"]
    with pytest.raises(TransformFailed, match="Error: bad"):
        bench.publish("good", "bad")
    assert len(subscription.unacked) == 2


def test_a_subscriptions_transforms_come_at_each_delivery(bench: Bench) -> None:
    plain = bench.subscribe(SUBSCRIPTION + "-plain")
    subscription = bench.subscribe(message_transforms=shown(udf(ADD), udf(ODD, "g")))
    bench.publish("a")
    bench.publish("b", odd="1")
    [entry] = subscription.lease(bench.clock(), 100, 1 << 30)
    assert read(entry).data == b"a!"
    assert read(entry).message_id == str(entry.message.id)
    assert len(subscription.unacked) == 1  # what was dropped is acked
    bench.nack(subscription, entry.ack_id)
    bench.pass_time(1)
    [again] = subscription.lease(bench.clock(), 100, 1 << 30)
    assert read(again).data == b"a!"
    bench.nack(subscription, again.ack_id)
    bench.broker.update_subscription(replace(subscription.config, message_transforms=()))
    bench.pass_time(60)
    assert list(bench.pull(subscription)) == ["a"]
    assert list(bench.pull(plain)) == ["a", "b"]


def test_what_a_transform_fails_on_is_a_dead_letter_as_it_was_published(bench: Bench) -> None:
    dead = TOPIC + "-dead"
    bench.broker.create_topic(TopicConfig(dead))
    letters = bench.subscribe(SUBSCRIPTION + "-dead", topic=dead)
    subscription = bench.subscribe(
        message_transforms=shown(udf(FAIL)),
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
    )
    bench.publish("bad", "good")
    assert list(bench.pull(subscription)) == ["good"]
    for _ in range(4):
        bench.pass_time(60)
        bench.pull(subscription)
    assert list(bench.pull(letters)) == ["bad"]


def test_who_waits_is_given_what_comes_behind_what_is_dropped(bench: Bench) -> None:
    subscription = bench.subscribe(message_transforms=shown(udf(ODD)))

    async def take() -> list[bytes]:
        consumer = Consumer(subscription, bench.clock, max_messages=1)
        waiting = asyncio.create_task(consumer.batch())
        await asyncio.sleep(0)
        for number in range(3):
            bench.publish(str(number), odd="1")
        bench.publish("even")
        async with asyncio.timeout(5):
            batch = await waiting
        assert consumer.full
        return [bytes(read(entry).data) for entry in batch]

    assert asyncio.run(take()) == [b"even"]


def shown(*transforms_: MessageTransform) -> list[dict[str, dict[str, str]]]:
    """As a client says it."""
    udfs = [each.javascript_udf for each in transforms_ if each.javascript_udf]
    return [
        {"javascript_udf": {"function_name": each.function_name, "code": each.code}}
        for each in udfs
    ]
