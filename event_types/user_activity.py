"""0 · Something a user did: its model, its table, its fake. Next: the registry."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Literal

from event_types.base import Event, EventType, Query, Record, Text, Timestamp
from event_types.population import population

Activity = Literal["login", "logout", "view_product", "add_to_cart", "remove_from_cart"]
Platform = Literal["web", "mobile", "tablet"]


class Metadata(Record):
    """The session around the activity."""

    session_id: Text
    """One visit of one user."""
    platform: Platform
    """web, mobile or tablet."""


class UserActivity(Event):
    """One act of one user on the site or in the app."""

    event_type: Literal["user_activity"]
    """Always `user_activity`."""
    user_id: Text
    """Who. `user-017` is `customer-017` in orders."""
    activity_type: Activity
    """login, logout, view_product, add_to_cart or remove_from_cart."""
    ip_address: Text
    """Where the request came from."""
    user_agent: Text
    """What the browser or app called itself."""
    timestamp: Timestamp
    """The event's own time: when the user acted."""
    metadata: Metadata
    """The session around the activity."""


def fake(rng: Random, now: datetime) -> UserActivity:
    """A believable act at `now`, on the platform that this user has."""
    customer = rng.choice(population().customers)
    activities: tuple[Activity, ...] = (
        "view_product",
        "add_to_cart",
        "login",
        "logout",
        "remove_from_cart",
    )
    return UserActivity.model_validate(
        {
            "event_type": "user_activity",
            "user_id": customer.user_id,
            "activity_type": rng.choices(activities, (10, 4, 2, 2, 1))[0],
            "ip_address": customer.ip_address,
            "user_agent": customer.user_agent,
            "timestamp": now,
            "metadata": {
                "session_id": f"sess-{rng.getrandbits(48):012x}",
                "platform": customer.platform,
            },
        }
    )


USER_ACTIVITY = EventType(
    name="user_activity",
    model=UserActivity,
    table="user_activity",
    partition_by="event_date",
    cluster_by=("user_id", "activity_type"),
    event_time="timestamp",
    fake=fake,
    description="What users did on the site and in the apps, one row for each act.",
    why_partition=(
        "Funnels and active users are counted by day, and the table is the largest: a day's "
        "partition is what a question about that day has to read, and what expires first."
    ),
    why_cluster=(
        "user_id first, because one user's trail is the most frequent look-up; activity_type "
        "second, so that a funnel's step skips the views, which are most rows."
    ),
    queries=(
        Query(
            "A user's trail through one day",
            "SELECT timestamp, activity_type, metadata.platform FROM {table}\n"
            "WHERE event_date = '2024-01-15' AND user_id = 'user-123'\n"
            "ORDER BY timestamp",
        ),
        Query(
            "Users by platform and step, by day",
            "SELECT event_date, metadata.platform AS platform, activity_type,\n"
            "  COUNT(DISTINCT user_id) AS users\n"
            "FROM {table}\n"
            "WHERE event_date BETWEEN '2024-01-01' AND '2024-01-31'\n"
            "GROUP BY event_date, platform, activity_type\n"
            "ORDER BY event_date, platform, activity_type",
        ),
    ),
)
