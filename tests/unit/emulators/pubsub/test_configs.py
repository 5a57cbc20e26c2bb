"""Settings between protos and dataclasses: nothing a client sets is lost, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from localgcp.pubsub.domain import config, transform_config
from localgcp.pubsub.errors import InvalidArgument, Unsupported
from localgcp.pubsub.wire import configs, protos

_SPANS = {"google.protobuf.Duration", "google.protobuf.Timestamp"}
_TEXT = st.text(max_size=5)
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
}
OUTPUT = {
    "Topic": ("state", "satisfies_pzs"),
    "Subscription": ("state", "detached", "topic_message_retention_duration"),
    "CloudStorage": ("state",),
    "BigQueryConfig": ("state",),
    "CloudStorageConfig": ("state",),
}
Fields = st.SearchStrategy[dict[str, Any]]


def messages(kind: Descriptor, depth: int = 3, kept: bool = False) -> Fields:
    """Messages of a kind, as the fields that are set; if `kept`, only of fields that we keep."""
    if kind.full_name in _SPANS:
        spans = {"seconds": st.integers(0, 10**6), "nanos": st.integers(0, 999_999_999)}
        return st.fixed_dictionaries(spans)
    ours = _kept_fields(kind.name)
    fields = [field for field in kind.fields if depth and (not kept or field.name in ours)]
    chosen = {field.name: _values(field, depth, kept) for field in fields}
    return st.fixed_dictionaries({}, optional=chosen).map(lambda set_: _one_of_each(kind, set_))


def _kept_fields(kind: str) -> set[str]:
    name = {"Topic": "TopicConfig", "Subscription": "SubscriptionConfig"}.get(kind, kind)
    for module in (config, transform_config):
        if hasattr(module, name):
            return set(getattr(module, name).__annotations__)
    return set()


def _one_of_each(kind: Descriptor, chosen: dict[str, Any]) -> dict[str, Any]:
    for group in kind.oneofs:
        for field in [field.name for field in group.fields if field.name in chosen][1:]:
            del chosen[field]
    return chosen


def _values(field: FieldDescriptor, depth: int, kept: bool) -> st.SearchStrategy[Any]:
    kind, one = field.message_type, _SCALARS.get(field.cpp_type, st.none())
    if kind is not None and kind.GetOptions().map_entry:
        return st.dictionaries(_TEXT, _TEXT, max_size=2)
    if field.enum_type is not None:
        one = st.sampled_from([each.number for each in field.enum_type.values])
    elif kind is not None:
        one = messages(kind, depth - 1, kept)
    return st.lists(one, max_size=2) if field.is_repeated else one


def _kept_whole_or_refused(
    resource: Any, read: Callable[[Any], Any], show: Callable[[Any], Any]
) -> None:
    try:
        kept = read(resource)
    except Unsupported as refused:
        kind, _, field = str(refused).rpartition(" ")[2].rpartition(".")
        assert field not in _kept_fields(kind)
        assert field not in OUTPUT.get(kind, ())
        return
    shown = show(kept)
    _clear_output(resource)
    _clear_output(shown)
    assert shown == resource


def _clear_output(message: Any) -> None:
    for field in OUTPUT.get(message.DESCRIPTOR.name, ()):
        message.ClearField(field)
    for field, value in message.ListFields():
        if field.message_type is not None and not field.is_repeated:
            _clear_output(value)


TOPICS, SUBSCRIPTIONS = protos.Topic.DESCRIPTOR, protos.Subscription.DESCRIPTOR


@given(messages(TOPICS) | messages(TOPICS, kept=True))
def test_a_topic_is_kept_whole_or_refused(fields: dict[str, Any]) -> None:
    _kept_whole_or_refused(protos.Topic(**fields), configs.read_topic, configs.topic)


@given(messages(SUBSCRIPTIONS) | messages(SUBSCRIPTIONS, kept=True))
def test_a_subscription_is_kept_whole_or_refused(fields: dict[str, Any]) -> None:
    resource = protos.Subscription(**fields)
    _kept_whole_or_refused(resource, configs.read_subscription, configs.subscription)


@given(messages(SUBSCRIPTIONS, kept=True), messages(TOPICS, kept=True))
def test_what_is_kept_comes_back_from_the_journal(
    subscription: dict[str, Any], topic: dict[str, Any]
) -> None:
    kept = configs.read_subscription(protos.Subscription(**subscription))
    assert configs.restored_subscription(configs.subscription_bytes(kept)) == kept
    kept_topic = configs.read_topic(protos.Topic(**topic))
    assert configs.restored_topic(configs.topic_bytes(kept_topic)) == kept_topic


def test_a_detached_subscription_is_so_in_the_journal_and_by_no_client() -> None:
    detached = config.SubscriptionConfig(name="s", detached=True)
    assert configs.restored_subscription(configs.subscription_bytes(detached)) == detached
    assert not configs.read_subscription(protos.Subscription(name="s", detached=True)).detached


@pytest.mark.parametrize("kept", [b"\xff", b"\xfa\x3f\x01x"])
def test_settings_that_are_damaged_or_of_a_newer_version_are_told(kept: bytes) -> None:
    for restored in (configs.restored_topic, configs.restored_subscription):
        with pytest.raises(ValueError, match="a newer version kept it"):
            restored(kept)
    with pytest.raises(InvalidArgument):
        protos.parse(protos.Topic, kept)
