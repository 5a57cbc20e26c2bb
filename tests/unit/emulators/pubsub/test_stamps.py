"""Stamps: whatever a publisher sends and whenever, what was added at the end is read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.wire import layout, stamps

NOW, ID = 1_790_000_000.654321, 1_790_000_000_654_321


def told(message: Message) -> tuple[int, bytes, float, str]:
    return message.id, message.wire, message.published, message.ordering_key


@given(
    sent=st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.text(max_size=3)), min_size=1),
    now=st.one_of(st.floats(0, 4e9), st.integers(0, 1 << 31).map(float)),
    first=st.one_of(st.integers(0, 1 << 63), st.just(ID)),
)
@example(sent=[(b"x", "")], now=0.001953125, first=ID)  # its nanoseconds are no part of its seconds
def test_restored_messages_are_as_they_were_stamped(
    sent: list[tuple[bytes, str]], now: float, first: int
) -> None:
    drafts = [layout.lay_out(data, {}, key) for data, key in sent]
    stamped = layout.stamp(drafts, first, now)
    restored = layout.restored([message.wire for message in stamped])
    assert list(map(told, restored)) == list(map(told, stamped))


@pytest.mark.parametrize("nanos", [0, 1_000, 268_435_000, 268_436_000, 999_999_000])
def test_a_stamp_of_today_is_read_without_protobuf(nanos: int) -> None:
    [message] = layout.stamp([layout.lay_out(b"x", {}, "")], ID, 1_790_000_000 + nanos / 1e9)
    assert stamps.Reader().read(message.wire) == (ID, message.published)


def test_those_of_one_time_share_it() -> None:
    drafts = [layout.lay_out(b"x", {}, "")] * 2
    first, second = layout.restored([each.wire for each in layout.stamp(drafts, ID, NOW)])
    assert first.published is second.published


def test_what_is_sent_may_look_like_a_stamp() -> None:
    [inner] = layout.stamp([layout.lay_out(b"x", {}, "")], 7, NOW)
    [outer] = layout.stamp([layout.lay_out(inner.wire, {}, "")], 8, NOW + 1)
    assert told(layout.restored([outer.wire])[0]) == told(outer)


@pytest.mark.parametrize("wire", [b"", b"\x0a\x01x", b"\xff" * 40])
def test_what_has_no_stamp_is_refused(wire: bytes) -> None:
    assert stamps.Reader().read(wire) is None
    with pytest.raises(ValueError, match=r"no PubsubMessage|invalid literal"):
        layout.restored([wire])
