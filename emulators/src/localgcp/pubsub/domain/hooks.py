"""What a subscription asks of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.pubsub.domain.leases import Entry

if TYPE_CHECKING:
    from localgcp.pubsub.domain.subscription import Subscription


@dataclass(frozen=True)
class Hooks:
    """The broker gives these to each subscription."""

    next_serial: Callable[[], int]
    """Tells one lease from another."""
    due_changed: Callable[[Subscription], None]
    """Its `next_due` may be earlier."""
    give_up: Callable[[Subscription, Entry, float], bool]
    """Publishes a dead letter at a time; whether that could be done."""
    delivered: Callable[[str, Sequence[int], float], None]
    """Told what goes out: the subscription's name, message ids, and when."""
    lent: Callable[[Subscription, list[Entry]], list[Entry]]
    """Gives those of what was just lent that go out, once its transforms are applied."""
    keep_lent: Callable[[str, Sequence[tuple[int, int]], float], None]
    """Keeps leases, for exactly-once delivery: the subscription's name, message ids and serials,
    and until when. Raises StorageFailed."""
    keep_acked: Callable[[str, Sequence[int]], None]
    """Keeps that messages are acked. Raises StorageFailed."""
    keep_returned: Callable[[str, Sequence[int], Sequence[int]], None]
    """Keeps that leases ended without an ack: of the messages that failed, and of others."""
