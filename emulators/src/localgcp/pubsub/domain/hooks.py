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
    """Set once, by the broker.

    `next_serial()` tells one lease from another; `due_changed(subscription)` says that
    `next_due` may be earlier; `give_up(subscription, entry, now)` publishes a dead letter and
    answers whether that could be done; `delivered(name, message_ids, now)` is told what goes out.
    """

    next_serial: Callable[[], int]
    due_changed: Callable[[Subscription], None]
    give_up: Callable[[Subscription, Entry, float], bool]
    delivered: Callable[[str, Sequence[int], float], None]
