"""What is read of a publish request without a look at each message is what a look would find."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localgcp.pubsub.domain import message
from localgcp.pubsub.domain.message import Draft
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire import layout, protos
from localgcp.pubsub.wire.varint import varint
from tests.unit.emulators.pubsub.bench import drafts

OF_CLIENTS = ["googclient_traceparent", "googclient_tracestate"]
RESERVED = ["goog", "google-thing", "GOOGle", "googclient_x-cloud-trace-context"]
KEYS = st.sampled_from(["", "k", "goo", *RESERVED, *OF_CLIENTS, "x" * 126 + "é", "g" * 300])
VALUES = st.sampled_from(["", "v", "v" * 1025, "é" * 120])
DATA = st.sampled_from([b"", b"d", b"d" * 200, b"d" * 20_000, b"\x12\x06\x0a\x04goog\x12\x00"])
MESSAGES = st.tuples(DATA, st.dictionaries(KEYS, VALUES, max_size=3), st.sampled_from(["", "key"]))


def refused(read: list[Draft]) -> str | None:
    try:
        message.check(read, layout)
    except InvalidArgument as error:
        return str(error)
    return None


@given(st.lists(MESSAGES, min_size=1, max_size=4))
def test_a_request_is_read_as_its_messages_are(
    sent: list[tuple[bytes, Mapping[str, str], str]],
) -> None:
    protos_ = [
        protos.PubsubMessage(data=data, attributes=attributes, ordering_key=key)
        for data, attributes, key in sent
    ]
    read = drafts(*protos_)
    for draft, (data, attributes, key) in zip(read, sent, strict=True):
        assert (layout.data(draft.body), layout.attributes(draft.body)) == (data, attributes)
        assert draft.ordering_key == key
    assert refused(read) == refused([draft._replace(plain=False) for draft in read])


@pytest.mark.parametrize("key", [*RESERVED, *OF_CLIENTS])
def test_of_google_s_own_keys_a_publisher_sets_those_of_its_trace(key: str) -> None:
    sent = protos.PubsubMessage(data=b"d", attributes={key: "v"})
    said = refused(drafts(sent))
    assert (said is None) == (key in OF_CLIENTS)


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 40_000, 2_200_000])
def test_data_with_little_beside_it_is_plain(size: int) -> None:
    sent = protos.PubsubMessage(data=b"d" * size, attributes={"event_type": "order"})
    [draft] = drafts(sent)
    assert draft.plain == (size < 1 << 14)


def test_what_is_not_a_publishers_to_set_is_left_out() -> None:
    forged = protos.PubsubMessage(data=b"x", message_id="7", publish_time={"seconds": 1})
    [draft] = drafts(forged)
    assert draft.body == protos.PubsubMessage(data=b"x").SerializeToString()


@pytest.mark.parametrize(
    "unusual",
    [
        b"\x0a\x81\x00x",  # a length of one byte told in two
        b"\x0a\x81\x81\x00" + b"x" * 129,
        b"\x0a\x01x\x12\x00",  # an attribute without key and value
        b"\x0a\x01x\x12\x03\x12\x01v",  # one without a key
        b"\x0a\x01x\x12\x07\x0a\x05googy",
    ],
)
def test_what_no_client_lays_out_is_held_against_the_limits_too(unusual: bytes) -> None:
    topic, read = layout.read(b"\x0a\x01t\x12" + varint(len(unusual)) + unusual)
    assert (topic, [draft.body for draft in read]) == ("t", [unusual])
    assert refused(read) == refused([draft._replace(plain=False) for draft in read])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff", "no PublishRequest"),
        (b"\x0a\x01\xff", "no PublishRequest"),  # a topic that is no UTF-8
        (b"\x12\x06\x12\x04\x0a\x02k\xff", "no PublishRequest"),
        (b"\x12\x03\x2a\x01\xff", "no PublishRequest"),
        (b"\x12\x02\x78\x01", "Field 15 of PubsubMessage"),
        (b"\x78\x01", "Field 15 of PublishRequest"),
    ],
)
def test_bytes_that_are_no_request(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        layout.read(raw)
