"""A message: as a publisher hands it over, and as it is kept, in the bytes that clients read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from localgcp.pubsub.errors import InvalidArgument

# Page "Pub/Sub quotas and limits", section "Resource limits".
MAX_REQUEST_BYTES = 10_000_000
MAX_REQUEST_MESSAGES = 1000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
# Keys of the service's own that Google's clients set, with enable_open_telemetry_tracing. Not the
# older googclient_x-cloud-trace-context, which the service refuses (nodejs-pubsub #1389).
CLIENTS_KEYS = frozenset({"googclient_traceparent", "googclient_tracestate"})
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024

Attributes = Mapping[str, str]


SHORTEST_LIMIT = MAX_KEY_BYTES
"""With so few bytes, attributes and ordering key break no limit; that of how many there are
neither, since a hundred keys take more."""


class Draft(NamedTuple):
    """What a publisher sends, laid out as clients read it but for the id and the publish time.

    `plain` says that whoever laid it out has seen that it has data, that all the rest is within
    SHORTEST_LIMIT, and that no attribute's key is empty or the service's own.
    """

    body: bytes
    ordering_key: str
    plain: bool


class Message:
    """One message, shared by all subscriptions that hold it.

    `wire` is all of it, laid out as clients read it; `published` is in seconds since the epoch.
    """

    __slots__ = ("id", "ordering_key", "published", "wire")

    def __init__(self, id: int, wire: bytes, published: float, ordering_key: str) -> None:
        self.id, self.wire = id, wire
        self.published, self.ordering_key = published, ordering_key


class Layout(Protocol):
    """How messages lie in bytes as clients read them. The domain carries these and reads none."""

    def lay_out(self, data: bytes, attributes: Attributes, ordering_key: str) -> Draft:
        """A message that the emulator itself publishes."""

    def stamp(self, drafts: Sequence[Draft], first_id: int, now: float) -> list[Message]:
        """Give messages consecutive ids from `first_id` and the publish time `now`."""

    def attributes(self, laid_out: bytes) -> Attributes:
        """The attributes in a message's bytes, or in a draft's."""

    def data(self, laid_out: bytes) -> bytes:
        """The payload in a message's bytes, or in a draft's."""

    def restored(self, wires: Iterable[bytes]) -> list[Message]:
        """The messages that these bytes were taken from. Raises ValueError."""


def check(drafts: Sequence[Draft], layout: Layout) -> None:
    """Hold a publish request against the limits. Raises InvalidArgument naming the message."""
    if not drafts:
        raise InvalidArgument("The publish request has no messages (argument=messages).")
    if len(drafts) > MAX_REQUEST_MESSAGES:
        raise InvalidArgument(
            f"The publish request has {len(drafts)} messages, more than {MAX_REQUEST_MESSAGES}."
        )
    total = sum([len(draft.body) for draft in drafts])
    if total > MAX_REQUEST_BYTES:
        raise InvalidArgument(
            f"The publish request has {total} bytes, more than {MAX_REQUEST_BYTES}."
        )
    for position, draft in enumerate(drafts):
        if not draft.plain:
            attributes = layout.attributes(draft.body)
            has_data = bool(layout.data(draft.body))
            _check_one(f"messages[{position}]", has_data, attributes, draft.ordering_key)


def _check_one(where: str, has_data: bool, attributes: Attributes, ordering_key: str) -> None:
    if not has_data and not attributes:
        raise InvalidArgument(
            f"{where} is empty; a message has non-empty data or at least one attribute."
        )
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidArgument(
            f"{where} has {len(attributes)} attributes, more than {MAX_ATTRIBUTES}."
        )
    if len(ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        raise InvalidArgument(f"{where}.ordering_key has more than {MAX_ORDERING_KEY_BYTES} bytes.")
    for key, value in attributes.items():
        reserved = key.lower().startswith("goog") and key not in CLIENTS_KEYS
        if not key or reserved or len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidArgument(
                f"{where} has the attribute key {key!r}; a key has 1 to {MAX_KEY_BYTES} bytes "
                "and does not begin with 'goog', in either case."
            )
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise InvalidArgument(
                f"{where}.attributes[{key}] has more than {MAX_VALUE_BYTES} bytes."
            )
