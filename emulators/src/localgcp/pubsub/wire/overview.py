"""What a developer wants to see of a running emulator: backlogs, leases, counters, as JSON.

Counters count from the emulator's start. These pages are not part of the Pub/Sub API.
"""

from __future__ import annotations

from typing import Any

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.trace import DELIVERED


def health(broker: Broker, why: str | None) -> dict[str, Any]:
    """Whether all works, or why not, and what there is."""
    held = {
        "subscriptions": len(broker.subscriptions),
        "backlog": sum(len(each.unacked) for each in broker.subscriptions.values()),
        "outstanding": sum(len(each.outstanding) for each in broker.subscriptions.values()),
    }
    return {"status": why or "ok", **held}


def topics(broker: Broker) -> dict[str, Any]:
    """`{"topics": [...]}`: messages and bytes published to each."""
    rows = [
        {
            "name": topic.name,
            "subscriptions": sorted(topic.subscriptions),
            "published": topic.published,
            "published_bytes": topic.published_bytes,
        }
        for topic in broker.topics.values()
    ]
    return {"topics": sorted(rows, key=_name)}


def subscriptions(broker: Broker) -> dict[str, Any]:
    """`{"subscriptions": [...]}`: what each still holds, and what has become of the rest.

    `backlog` counts all not yet acked, `outstanding` those of them that are leased,
    `seconds_to_deliver` and `seconds_to_ack` are p50 and p99 from published to delivered and to
    acked, of the last 500 of either; a redelivery counts as a delivery. `push_refused` says
    why nothing is pushed to the endpoint, and is "" where it may be.
    """
    now, rows = broker.clock(), []
    for subscription in broker.subscriptions.values():
        oldest, counters = subscription.oldest(), subscription.counters
        rows.append(
            {
                "name": subscription.name,
                "topic": subscription.config.topic,
                "push_endpoint": subscription.config.push_endpoint,
                "push_refused": broker.targets.why_not(subscription.config.push_endpoint),
                "backlog": len(subscription.unacked),
                "outstanding": len(subscription.outstanding),
                "oldest_unacked_seconds": round(now - oldest.published, 3) if oldest else 0.0,
                "seconds_to_deliver": _percentiles(
                    broker.trace.latencies(subscription.name, DELIVERED)
                ),
                "seconds_to_ack": _percentiles(broker.trace.latencies(subscription.name)),
                "delivered": counters.delivered,
                "acked": counters.acked,
                "redelivered": counters.redelivered,
                "dead_lettered": counters.dead_lettered,
                "expired": counters.expired,
            }
        )
    return {"subscriptions": sorted(rows, key=_name)}


def _percentiles(sizes: list[float]) -> dict[str, float]:
    """The median and the 99th percentile of sorted seconds; {} of none."""
    last = len(sizes) - 1
    return {name: round(sizes[last * n // 100], 4) for name, n in _SHOWN.items()} if sizes else {}


_SHOWN = {"p50": 50, "p99": 99}


def _name(row: dict[str, Any]) -> str:
    return str(row["name"])
