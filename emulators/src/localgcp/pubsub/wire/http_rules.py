"""The REST API's HTTP rules: which method each path is, and where the resource in it belongs.

API reference, "REST resources" v1.projects.schemas, .snapshots, .subscriptions and .topics: all of
them, so that what is not supported is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from localgcp.pubsub.wire.methods import IAM_POLICY, PUBLISHER, SCHEMA_SERVICE, SUBSCRIBER

_PROJECT = r"projects/[^/]+"
_TOPIC, _SUBSCRIPTION, _SNAPSHOT, _SCHEMA = (
    rf"projects/[^/]+/{collection}/[^/:]+"
    for collection in ("topics", "subscriptions", "snapshots", "schemas")
)


@dataclass(frozen=True)
class Rule:
    """One path, as google.api.http binds it: a method, and the field that the resource fills."""

    verb: str
    path: re.Pattern[str]
    service: str
    method: str
    field: str
    body: str = ""
    """The field that the body is; "" where it is the whole request."""


def _rule(
    verb: str, resource: str, rest: str, service: str, method: str, field: str, body: str = ""
) -> Rule:
    return Rule(verb, re.compile(f"/v1/({resource}){rest}"), service, method, field, body)


def _publisher() -> Iterator[Rule]:
    for verb, resource, rest, method, field in (
        ("GET", _PROJECT, "/topics", "ListTopics", "project"),
        ("PUT", _TOPIC, "", "CreateTopic", "name"),
        ("GET", _TOPIC, "", "GetTopic", "topic"),
        ("PATCH", _TOPIC, "", "UpdateTopic", "topic.name"),
        ("DELETE", _TOPIC, "", "DeleteTopic", "topic"),
        ("GET", _TOPIC, "/subscriptions", "ListTopicSubscriptions", "topic"),
        ("GET", _TOPIC, "/snapshots", "ListTopicSnapshots", "topic"),
        ("POST", _TOPIC, ":publish", "Publish", "topic"),
        ("POST", _SUBSCRIPTION, ":detach", "DetachSubscription", "subscription"),
    ):
        yield _rule(verb, resource, rest, PUBLISHER, method, field)


def _subscriber() -> Iterator[Rule]:
    for verb, resource, rest, method, field in (
        ("GET", _PROJECT, "/subscriptions", "ListSubscriptions", "project"),
        ("PUT", _SUBSCRIPTION, "", "CreateSubscription", "name"),
        ("GET", _SUBSCRIPTION, "", "GetSubscription", "subscription"),
        ("PATCH", _SUBSCRIPTION, "", "UpdateSubscription", "subscription.name"),
        ("DELETE", _SUBSCRIPTION, "", "DeleteSubscription", "subscription"),
        ("POST", _SUBSCRIPTION, ":pull", "Pull", "subscription"),
        ("POST", _SUBSCRIPTION, ":acknowledge", "Acknowledge", "subscription"),
        ("POST", _SUBSCRIPTION, ":modifyAckDeadline", "ModifyAckDeadline", "subscription"),
        ("POST", _SUBSCRIPTION, ":modifyPushConfig", "ModifyPushConfig", "subscription"),
        ("POST", _SUBSCRIPTION, ":seek", "Seek", "subscription"),
        ("GET", _PROJECT, "/snapshots", "ListSnapshots", "project"),
        ("PUT", _SNAPSHOT, "", "CreateSnapshot", "name"),
        ("GET", _SNAPSHOT, "", "GetSnapshot", "snapshot"),
        ("PATCH", _SNAPSHOT, "", "UpdateSnapshot", "snapshot.name"),
        ("DELETE", _SNAPSHOT, "", "DeleteSnapshot", "snapshot"),
    ):
        yield _rule(verb, resource, rest, SUBSCRIBER, method, field)


def _schema_service() -> Iterator[Rule]:
    create = "CreateSchema"
    yield _rule("POST", _PROJECT, "/schemas", SCHEMA_SERVICE, create, "parent", body="schema")
    for verb, resource, rest, method, field in (
        ("GET", _PROJECT, "/schemas", "ListSchemas", "parent"),
        ("POST", _PROJECT, "/schemas:validate", "ValidateSchema", "parent"),
        ("POST", _PROJECT, "/schemas:validateMessage", "ValidateMessage", "parent"),
        ("GET", _SCHEMA, "", "GetSchema", "name"),
        ("DELETE", _SCHEMA, "", "DeleteSchema", "name"),
        ("GET", _SCHEMA, ":listRevisions", "ListSchemaRevisions", "name"),
        ("POST", _SCHEMA, ":commit", "CommitSchema", "name"),
        ("POST", _SCHEMA, ":rollback", "RollbackSchema", "name"),
        ("DELETE", _SCHEMA, ":deleteRevision", "DeleteSchemaRevision", "name"),
    ):
        yield _rule(verb, resource, rest, SCHEMA_SERVICE, method, field)


def _iam_policy() -> Iterator[Rule]:
    for resource in (_TOPIC, _SUBSCRIPTION, _SNAPSHOT, _SCHEMA):
        for verb, rest, method in (
            ("GET", ":getIamPolicy", "GetIamPolicy"),
            ("POST", ":setIamPolicy", "SetIamPolicy"),
            ("POST", ":testIamPermissions", "TestIamPermissions"),
        ):
            yield _rule(verb, resource, rest, IAM_POLICY, method, "resource")


RULES = (*_publisher(), *_subscriber(), *_schema_service(), *_iam_policy())


def find(verb: str, path: str) -> tuple[Rule, str] | None:
    """The rule of a request and the resource's name in its path; None if there is none."""
    for rule in RULES:
        match = rule.path.fullmatch(path) if rule.verb == verb else None
        if match:
            return rule, match.group(1)
    return None
