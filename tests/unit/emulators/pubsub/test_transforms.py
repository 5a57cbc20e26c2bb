"""Message transforms: functions that somebody wrote, and what they can't do to the emulator."""

from __future__ import annotations

import zlib

import pytest

from localgcp.pubsub.domain import transforms
from localgcp.pubsub.domain.transforms import Chain, Content, JavaScriptUdf, Transform, Zlib
from localgcp.pubsub.errors import InvalidArgument, TransformFailed

MESSAGE = Content(b'{"a": 1}', {"k": "v"}, "17", "key", 1_700_000_000.9)


def udf(body: str, name: str = "f") -> Transform:
    return Transform(JavaScriptUdf(name, f"function {name}(message, metadata) {{ {body} }}"))


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
    def add(text: str, name: str) -> JavaScriptUdf:
        code = f"const {name} = (m) => {{ m.data += '{text}'; return m; }}"
        return JavaScriptUdf(name, code)

    chain = Chain(
        [
            Transform(add("1", "f")),
            Transform(add("2", "g"), disabled=True),
            Transform(add("3", "h")),
        ]
    )
    changed = chain(Content(b"0", {}))
    assert changed is not None
    assert changed.data == b"013"
    assert not Chain([Transform(add("2", "g"), disabled=True)])


def test_compression_there_and_back() -> None:
    chain = Chain([Transform(Zlib(compress=True)), Transform(Zlib(compress=False))])
    assert chain(MESSAGE) == MESSAGE
    for wrong in (b"nothing", zlib.compress(b"x")[:-1], zlib.compress(bytes(20_000_000))):
        with pytest.raises(TransformFailed, match=r"ZLIB|decompressed"):
            Chain([Transform(Zlib(compress=False))])(Content(wrong, {}))


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
        ([Transform(JavaScriptUdf("f g", ""))], "Invalid function_name: 'f g'"),
        ([Transform(JavaScriptUdf("f", "let x = 1;"))], "no function f"),
        ([Transform(JavaScriptUdf("f", "function f( {"))], "SyntaxError"),
        ([Transform(JavaScriptUdf("f", "while (true) {}"))], "interrupted"),
        ([Transform(JavaScriptUdf("f", " " * 20_001))], "20001 bytes, more than 20000"),
    ],
)
def test_what_a_resource_cannot_have(given: list[Transform], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        transforms.check(given)


def test_what_a_resource_can_have() -> None:
    transforms.check([udf("return message;"), Transform(Zlib(compress=True))])
