"""The REST API's addresses: which method each is, and where the resource in the path belongs.

API reference, "REST resources" v1.projects.topics and v1.projects.subscriptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PROJECT = r"projects/[^/]+"
_TOPIC = r"projects/[^/]+/topics/[^/:]+"
_SUBSCRIPTION = r"projects/[^/]+/subscriptions/[^/:]+"


@dataclass(frozen=True)
class Route:
    """One address: the API's method, and the request's field that the path's resource fills."""

    verb: str
    path: re.Pattern[str]
    method: str
    field: str


def _route(verb: str, resource: str, rest: str, method: str, field: str) -> Route:
    return Route(verb, re.compile(f"/v1/({resource}){rest}"), method, field)


ROUTES = (
    _route("GET", _PROJECT, "/topics", "ListTopics", "project"),
    _route("PUT", _TOPIC, "", "CreateTopic", "name"),
    _route("GET", _TOPIC, "", "GetTopic", "topic"),
    _route("PATCH", _TOPIC, "", "UpdateTopic", "topic.name"),
    _route("DELETE", _TOPIC, "", "DeleteTopic", "topic"),
    _route("GET", _TOPIC, "/subscriptions", "ListTopicSubscriptions", "topic"),
    _route("POST", _TOPIC, ":publish", "Publish", "topic"),
    _route("GET", _PROJECT, "/subscriptions", "ListSubscriptions", "project"),
    _route("PUT", _SUBSCRIPTION, "", "CreateSubscription", "name"),
    _route("GET", _SUBSCRIPTION, "", "GetSubscription", "subscription"),
    _route("PATCH", _SUBSCRIPTION, "", "UpdateSubscription", "subscription.name"),
    _route("DELETE", _SUBSCRIPTION, "", "DeleteSubscription", "subscription"),
    _route("POST", _SUBSCRIPTION, ":pull", "Pull", "subscription"),
    _route("POST", _SUBSCRIPTION, ":acknowledge", "Acknowledge", "subscription"),
    _route("POST", _SUBSCRIPTION, ":modifyAckDeadline", "ModifyAckDeadline", "subscription"),
    _route("POST", _SUBSCRIPTION, ":modifyPushConfig", "ModifyPushConfig", "subscription"),
)


def find(verb: str, path: str) -> tuple[Route, str] | None:
    """The route of a request and the resource's name in its path; None if there is none."""
    for route in ROUTES:
        match = route.path.fullmatch(path) if route.verb == verb else None
        if match:
            return route, match.group(1)
    return None
