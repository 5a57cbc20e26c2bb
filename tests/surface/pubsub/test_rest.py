"""Every method of the REST API's discovery document: answered as over gRPC, or refused by name."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import httpx
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from googleapiclient.discovery import build

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess

DOCUMENT = resources.files("googleapiclient.discovery_cache.documents") / "pubsub.v1.json"
PARENT = f"projects/{PROJECT}"


def methods() -> Iterator[str]:
    """`projects.topics.get` and so on, as the document says."""
    pending = [("projects.", json.loads(DOCUMENT.read_text())["resources"]["projects"])]
    while pending:
        prefix, resource = pending.pop()
        yield from (prefix + name for name in resource.get("methods", ()))
        pending += [
            (f"{prefix}{name}.", inner) for name, inner in resource.get("resources", {}).items()
        ]


@pytest.fixture(scope="module")
def api(emulator: EmulatorProcess) -> Iterator[Any]:
    """Google's client for any REST API, led to the emulator."""
    options = ClientOptions(api_endpoint=f"http://127.0.0.1:{emulator.port}")
    with build(
        "pubsub", "v1", credentials=AnonymousCredentials(), client_options=options
    ) as service:
        yield service


def call(api: Any, method: str, **arguments: Any) -> Any:
    """The answer of `projects.topics.get` and so on."""
    *collections, name = method.split(".")
    for collection in collections:
        api = getattr(api, collection)()
    return getattr(api, name)(**arguments).execute()


class Walk:
    """One way through all methods that are answered; it notes which were."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self.called: set[str] = set()

    def __call__(self, method: str, **arguments: Any) -> Any:
        self.called.add(f"projects.{method}")
        return call(self._api, f"projects.{method}", **arguments)


def test_every_method_is_answered(api: Any, clients: Clients) -> None:
    walk = Walk(api)
    topic, name = f"{PARENT}/topics/rest-walk", f"{PARENT}/subscriptions/rest-walk"
    assert walk("topics.create", name=topic, body={"labels": {"a": "b"}})["labels"] == {"a": "b"}
    assert walk("topics.get", topic=topic)["name"] == topic
    mask = {"topic": {"labels": {"a": "c"}}, "updateMask": "labels"}
    assert walk("topics.patch", name=topic, body=mask)["labels"] == {"a": "c"}
    assert topic in [each["name"] for each in walk("topics.list", project=PARENT)["topics"]]
    made = walk("subscriptions.create", name=name, body={"topic": topic})
    assert (made["ackDeadlineSeconds"], made["messageRetentionDuration"]) == (10, "604800s")
    assert walk("subscriptions.get", subscription=name) == made
    assert walk("topics.subscriptions.list", topic=topic) == {"subscriptions": [name]}
    walk_snapshots(walk, topic, name)
    walk_schemas(walk)
    walk_policies(walk, topic, "topics")
    walk_policies(walk, name, "subscriptions")
    mask = {"subscription": {"ackDeadlineSeconds": 20}, "updateMask": "ackDeadlineSeconds"}
    assert walk("subscriptions.patch", name=name, body=mask)["ackDeadlineSeconds"] == 20
    assert walk("subscriptions.list", project=PARENT, pageSize=1)["subscriptions"]
    data = base64.b64encode(b"hello").decode()
    sent = walk("topics.publish", topic=topic, body={"messages": [{"data": data}]})["messageIds"]
    received = take(walk, name)
    assert ([received["message"]["messageId"]], received["message"]["data"]) == (sent, data)
    late = {"ackIds": [received["ackId"]], "ackDeadlineSeconds": 0}
    assert walk("subscriptions.modifyAckDeadline", subscription=name, body=late) == {}
    acked = {"ackIds": [take(walk, name)["ackId"]]}
    assert walk("subscriptions.acknowledge", subscription=name, body=acked) == {}
    push = {"pushConfig": {"pushEndpoint": "http://127.0.0.1:9/never"}}
    assert walk("subscriptions.modifyPushConfig", subscription=name, body=push) == {}
    assert walk("subscriptions.detach", subscription=name) == {}
    assert clients.subscriber.get_subscription(subscription=name).detached
    assert walk("subscriptions.delete", subscription=name) == {}
    assert walk("topics.delete", topic=topic) == {}
    assert walk.called == set(methods())


def walk_snapshots(walk: Walk, topic: str, subscription: str) -> None:
    name = f"{PARENT}/snapshots/rest-walk"
    made = walk("snapshots.create", name=name, body={"subscription": subscription})
    assert (made["name"], made["topic"]) == (name, topic)
    assert walk("snapshots.get", snapshot=name) == made
    assert walk("topics.snapshots.list", topic=topic) == {"snapshots": [name]}
    assert made in walk("snapshots.list", project=PARENT)["snapshots"]
    mask = {"snapshot": {"labels": {"a": "b"}}, "updateMask": "labels"}
    assert walk("snapshots.patch", name=name, body=mask) == made | {"labels": {"a": "b"}}
    target = {"snapshot": name}
    assert walk("subscriptions.seek", subscription=subscription, body=target) == {}
    walk_policies(walk, name, "snapshots")
    assert walk("snapshots.delete", snapshot=name) == {}


def walk_schemas(walk: Walk) -> None:
    avro = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    name = f"{PARENT}/schemas/rest-walk"
    assert walk("schemas.validate", parent=PARENT, body={"schema": avro}) == {}
    made = walk("schemas.create", parent=PARENT, body=avro, schemaId="rest-walk")
    assert (made["name"], made["definition"]) == (name, avro["definition"])
    message = {"name": name, "message": base64.b64encode(b"{}").decode(), "encoding": "JSON"}
    assert walk("schemas.validateMessage", parent=PARENT, body=message) == {}
    committed = walk("schemas.commit", name=name, body={"schema": avro})
    rolled = walk("schemas.rollback", name=name, body={"revisionId": made["revisionId"]})
    revisions = walk("schemas.listRevisions", name=name, view="BASIC")["schemas"]
    ids = [each["revisionId"] for each in (rolled, committed, made)]
    assert [each["revisionId"] for each in revisions] == ids
    walk_policies(walk, name, "schemas")
    walk("schemas.deleteRevision", name=f"{name}@{ids[1]}")
    walk("schemas.deleteRevision", name=name, revisionId=ids[2])
    assert walk("schemas.get", name=name, view="FULL") == rolled | {"name": name}
    assert name in [each["name"] for each in walk("schemas.list", parent=PARENT)["schemas"]]
    assert walk("schemas.delete", name=name) == {}


def walk_policies(walk: Walk, resource: str, collection: str) -> None:
    granted = {"role": "roles/pubsub.viewer", "members": ["domain:example.com"]}
    body = {"policy": {"bindings": [granted]}}
    policy = walk(f"{collection}.setIamPolicy", resource=resource, body=body)
    asked: dict[str, Any] = {"resource": resource, "options_requestedPolicyVersion": 3}
    assert walk(f"{collection}.getIamPolicy", **asked) == policy
    assert policy["bindings"] == [granted]
    permissions = {"permissions": ["pubsub.topics.get"]}
    tested = walk(f"{collection}.testIamPermissions", resource=resource, body=permissions)
    assert tested == permissions


def take(walk: Walk, name: str) -> Any:
    [received] = walk("subscriptions.pull", subscription=name, body={"maxMessages": 5})[
        "receivedMessages"
    ]
    return received


@pytest.fixture
def http(emulator: EmulatorProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{emulator.port}/v1", trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("pageSize=1&key=k&prettyPrint=false&alt=json&$.xgafv=2", 200, ""),
        ("page_size=1", 200, ""),
        ("pageSize=many", 400, "many"),
        ("pageSze=1", 400, "pageSze"),
        ("fields=topics/name", 501, "not supported by the emulator: .*fields=topics/name"),
        ("callback=f", 501, "not supported by the emulator: .*callback=f"),
        ("alt=proto", 501, "not supported by the emulator: .*alt=proto"),
    ],
)
def test_what_a_query_says_is_done_or_refused(
    http: httpx.Client, query: str, code: int, text: str
) -> None:
    answer = http.get(f"/{PARENT}/topics?{query}")
    assert answer.status_code == code
    if code != 200:
        assert re.search(text, answer.json()["error"]["message"])


def test_a_field_belongs_in_the_body(http: httpx.Client) -> None:
    answer = http.put(f"/{PARENT}/topics/never?kmsKeyName=k", json={})
    assert answer.status_code == 400
    assert "kmsKeyName" in answer.json()["error"]["message"]


def test_an_address_that_is_none_is_named(http: httpx.Client) -> None:
    answer = http.get(f"/{PARENT}/nothings")
    assert answer.status_code == 501
    assert "/nothings" in answer.json()["error"]["message"]
