"""Settings, from and to the API's resources: the one place where protos and dataclasses meet.

A dataclass of `domain.config` has the fields of its proto that the emulator keeps, by the same
names and of the matching kinds; these functions follow its annotations. A field of the proto that
it lacks is refused by name, so none is lost. The journal keeps a resource as its proto's bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import IntEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from localgcp.pubsub.domain.config import (
    BigQueryConfig,
    CloudStorage,
    CloudStorageConfig,
    Duration,
    PushConfig,
    SubscriptionConfig,
    TopicConfig,
)
from localgcp.pubsub.domain.destinations import State
from localgcp.pubsub.errors import InvalidArgument, Unsupported
from localgcp.pubsub.wire import protos
from localgcp.pubsub.wire.protos import Proto

# What only the service sets: a client's values are passed over, as the API says.
_TOPIC_OUTPUT = frozenset(("state", "satisfies_pzs"))
_SUBSCRIPTION_OUTPUT = frozenset(("state", "detached", "topic_message_retention_duration"))
_NESTED_OUTPUT: dict[type, frozenset[str]] = dict.fromkeys(
    (BigQueryConfig, CloudStorage, CloudStorageConfig), frozenset(("state",))
)

T = TypeVar("T")


def read_topic(resource: Proto) -> TopicConfig:
    """A client's Topic. Raises InvalidArgument, Unsupported naming a field that is not kept."""
    return _read(TopicConfig, resource, _TOPIC_OUTPUT)


def read_subscription(resource: Proto) -> SubscriptionConfig:
    """A client's Subscription. Raises InvalidArgument, Unsupported."""
    return _read(SubscriptionConfig, resource, _SUBSCRIPTION_OUTPUT)


def read_push_config(push: Proto) -> PushConfig:
    """A client's PushConfig. Raises InvalidArgument, Unsupported."""
    return _read(PushConfig, push)


def topic(config: TopicConfig) -> Proto:
    """The Topic that clients are shown."""
    resource = protos.Topic()
    _write(config, resource)
    resource.state = resource.State.ACTIVE
    return resource


def subscription(config: SubscriptionConfig, destination: State = State.ACTIVE) -> Proto:
    """The Subscription that clients are shown; `destination` matters where it is exported."""
    resource = protos.Subscription()
    _write(config, resource)
    resource.state = resource.State.ACTIVE
    exported = _exported(resource)
    if exported is not None:
        exported.state = exported.State.Value(destination.name)
        if destination is not State.ACTIVE:
            resource.state = resource.State.RESOURCE_ERROR
    return resource


def _exported(resource: Proto) -> Proto | None:
    if resource.HasField("bigquery_config"):
        return resource.bigquery_config
    return resource.cloud_storage_config if resource.HasField("cloud_storage_config") else None


# What the journal keeps


def topic_bytes(config: TopicConfig) -> bytes:
    """A topic's settings, for restored_topic()."""
    kept: bytes = topic(config).SerializeToString()
    return kept


def restored_topic(kept: bytes) -> TopicConfig:
    """The config that topic_bytes() kept.

    Raises ValueError for what was not kept by topic_bytes().
    """
    return _restored(TopicConfig, protos.Topic, kept, _TOPIC_OUTPUT)


def subscription_bytes(config: SubscriptionConfig) -> bytes:
    """A subscription's settings, for restored_subscription()."""
    kept: bytes = subscription(config).SerializeToString()
    return kept


def restored_subscription(kept: bytes) -> SubscriptionConfig:
    """The config that subscription_bytes() kept.

    Raises ValueError for what was not kept by subscription_bytes().
    """
    output = _SUBSCRIPTION_OUTPUT - {"detached"}
    return _restored(SubscriptionConfig, protos.Subscription, kept, output)


def _restored(kind: type[T], resource: Proto, kept: bytes, output: frozenset[str]) -> T:
    try:
        return _read(kind, protos.parse(resource, kept), output)
    except (InvalidArgument, Unsupported) as error:
        raise ValueError(f"a newer version kept it: {error}") from error


# By the dataclass's annotations


def _read(kind: type[T], message: Proto, passed_over: frozenset[str] = frozenset()) -> T:
    kinds, values = _kinds(kind), {}
    for field, value in message.ListFields():
        if field.name in passed_over:
            continue
        if field.name not in kinds:
            raise Unsupported(f"{message.DESCRIPTOR.name}.{field.name}")
        try:
            values[field.name] = _value(kinds[field.name], value)
        except ValueError as error:
            where = f"{message.DESCRIPTOR.name}.{field.name}"
            raise InvalidArgument(f"Invalid {where}: {error}.") from error
    return kind(**values)


def _value(kind: Any, value: Any) -> Any:
    if kind is Duration:
        return Duration(value.seconds, value.nanos)
    if is_dataclass(kind):
        output = _NESTED_OUTPUT.get(kind, frozenset())  # type: ignore[arg-type]  # a class
        return _read(kind, value, output)  # type: ignore[arg-type]
    if get_origin(kind) is Mapping:
        return dict(value)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], each) for each in value)
    return kind(value) if issubclass(kind, IntEnum) else value


def _write(config: Any, message: Proto) -> None:
    for name in _kinds(type(config)):
        value = getattr(config, name)
        if value is None:
            continue
        if isinstance(value, Duration):
            span = getattr(message, name)
            span.SetInParent()
            span.seconds, span.nanos = value
        elif is_dataclass(value):
            getattr(message, name).SetInParent()
            _write(value, getattr(message, name))
        elif isinstance(value, Mapping):
            getattr(message, name).update(value)
        elif isinstance(value, tuple):
            _extend(getattr(message, name), value)
        elif value or message.DESCRIPTOR.fields_by_name[name].has_presence:
            setattr(message, name, value)


def _extend(repeated: Any, values: tuple[Any, ...]) -> None:
    for value in values:
        if is_dataclass(value):
            _write(value, repeated.add())
        else:
            repeated.append(value)


_known_kinds: dict[type, dict[str, Any]] = {}


def _kinds(config: type) -> dict[str, Any]:
    """A dataclass's fields and what each holds; of `X | None` the X."""
    if config not in _known_kinds:
        hints = get_type_hints(config)
        _known_kinds[config] = {name: _without_none(hint) for name, hint in hints.items()}
    return _known_kinds[config]


def _without_none(hint: Any) -> Any:
    if isinstance(hint, UnionType):
        [kind] = [each for each in get_args(hint) if each is not NoneType]
        return kind
    return hint
