"""The JSON REST API: by gcloud where it is installed, and its errors by hand."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import subprocess
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess

GCLOUD = shutil.which("gcloud")
JSON = {"content-type": "application/json"}


@pytest.fixture
def rest(emulator: EmulatorProcess) -> Any:
    with httpx.Client(base_url=f"http://127.0.0.1:{emulator.port}", trust_env=False) as client:
        yield client


def test_the_root_says_ok(rest: httpx.Client) -> None:
    assert (rest.get("/").status_code, rest.get("/").text) == (200, "Ok")


def test_a_message_goes_through_by_rest_alone(rest: httpx.Client, clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    data = base64.b64encode(b"hello").decode()
    body = {"messages": [{"data": data, "attributes": {"k": "v"}}]}
    published = rest.post(f"/v1/{topic}:publish", json=body)
    pulled = rest.post(f"/v1/{name}:pull", json={"maxMessages": 5}).json()
    [received] = pulled["receivedMessages"]
    assert received["message"]["data"] == data
    assert [received["message"]["messageId"]] == published.json()["messageIds"]
    late = {"ackIds": [received["ackId"]], "ackDeadlineSeconds": 0}
    assert rest.post(f"/v1/{name}:modifyAckDeadline", json=late).json() == {}
    [again] = rest.post(f"/v1/{name}:pull", json={"maxMessages": 5}).json()["receivedMessages"]
    acked = rest.post(f"/v1/{name}:acknowledge", json={"ackIds": [again["ackId"]]})
    assert (acked.status_code, acked.json()) == (200, {})
    assert rest.post(f"/v1/{name}:pull", json={"maxMessages": 5}).json() == {}


@pytest.mark.parametrize(
    ("verb", "path", "body", "code", "status", "text"),
    [
        (
            "GET",
            "/v1/projects/demo-project/topics/missing",
            None,
            404,
            "NOT_FOUND",
            "resource=missing",
        ),
        ("PUT", "/v1/projects/demo-project/topics/1x", {}, 400, "INVALID_ARGUMENT", "topics/1x"),
        (
            "PUT",
            "/v1/projects/demo-project/topics/abc",
            {"lables": {}},
            400,
            "INVALID_ARGUMENT",
            "lables",
        ),
        (
            "PUT",
            "/v1/projects/demo-project/topics/abc",
            {"tags": {"a/b": "c"}},
            501,
            "UNIMPLEMENTED",
            "Topic.tags",
        ),
        (
            "POST",
            "/v1/projects/demo-project/topics/missing:setIamPolicy",
            {},
            404,
            "NOT_FOUND",
            "resource=missing",
        ),
    ],
)
def test_errors_look_like_googles(
    rest: httpx.Client, verb: str, path: str, body: Any, code: int, status: str, text: str
) -> None:
    response = rest.request(verb, path, json=body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (code, code, status)
    assert text in error["message"]


def test_a_body_that_is_no_json_is_told(rest: httpx.Client) -> None:
    response = rest.put("/v1/projects/demo-project/topics/abc", content=b"{", headers=JSON)
    assert response.status_code == 400
    assert "Invalid JSON payload" in response.json()["error"]["message"]


def test_a_packed_body_is_unpacked_within_the_limit(rest: httpx.Client, clients: Clients) -> None:
    topic = clients.topic()
    zipped = {**JSON, "content-encoding": "gzip"}
    body = json.dumps({"messages": [{"data": "aGVsbG8="}]}).encode()
    answer = rest.post(f"/v1/{topic}:publish", content=gzip.compress(body), headers=zipped)
    assert len(answer.json()["messageIds"]) == 1
    bomb = gzip.compress(b" " * (20 << 20))
    for content, headers in ((bomb, zipped), (b" " * (20 << 20), JSON)):
        answer = rest.post(f"/v1/{topic}:publish", content=content, headers=headers)
        assert (answer.status_code, str(16 << 20) in answer.text) == (413, True)
    answer = rest.post(f"/v1/{topic}:publish", content=body, headers=zipped)
    assert (answer.status_code, "gzip" in answer.text) == (400, True)


def test_a_head_without_end_is_cut_off(emulator: EmulatorProcess) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
        with suppress(ConnectionError):
            assert b" 400 " in connection.recv(4096)


def test_the_guard_stands_before_every_path(rest: httpx.Client, clients: Clients) -> None:
    topic = f"projects/{PROJECT}/topics/from-a-page"
    for headers in ({"Host": "evil.test"}, {"Origin": "http://evil.test"}, {"Origin": "null"}):
        for path in ("/", "/_emulator/topics", f"/v1/{topic}"):
            assert rest.get(path, headers=headers).status_code == 403
        assert rest.put(f"/v1/{topic}", json={}, headers=headers).status_code == 403
    plain = {"content-type": "text/plain"}
    assert rest.put(f"/v1/{topic}", content=b"{}", headers=plain).status_code == 415
    assert rest.get(f"/v1/{topic}").status_code == 404


def test_figures_tell_what_is_where(rest: httpx.Client, clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a", b"b", b"c")
    [received] = clients.pull(name, limit=1)
    clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
    clients.pull(name, limit=1)
    rows = rest.get("/_emulator/subscriptions").json()["subscriptions"]
    [row] = [row for row in rows if row["name"] == name]
    assert 0 <= row.pop("oldest_unacked_seconds") < 60
    to_ack = row.pop("seconds_to_ack")
    assert 0 < to_ack["p50"] <= to_ack["p99"] < 60
    assert 0 < row.pop("seconds_to_deliver")["p50"] <= to_ack["p50"]
    assert row == {
        "name": name,
        "topic": topic,
        "push_endpoint": "",
        "push_refused": "",
        "backlog": 2,
        "outstanding": 1,
        "delivered": 2,
        "acked": 1,
        "redelivered": 0,
        "dead_lettered": 0,
        "expired": 0,
    }
    topics = rest.get("/_emulator/topics").json()["topics"]
    [published] = [row["published"] for row in topics if row["name"] == topic]
    assert published == 3


@pytest.mark.installed
@pytest.mark.skipif(GCLOUD is None, reason="gcloud is not installed")
def test_gcloud_does_what_it_says(emulator: EmulatorProcess, tmp_path: Any) -> None:
    env = emulator.shell_env() | {
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CONFIG": str(tmp_path),
    }

    def gcloud(*words: str) -> Any:
        command = [str(GCLOUD), "pubsub", *words, "--format=json", "--quiet"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    topic, name = f"projects/{PROJECT}/topics/shell", f"projects/{PROJECT}/subscriptions/shell-sub"
    assert gcloud("topics", "create", "shell")[0]["name"] == topic
    assert topic in [row["name"] for row in gcloud("topics", "list")]
    made = gcloud("subscriptions", "create", "shell-sub", "--topic=shell", "--ack-deadline=20")
    assert made[0]["ackDeadlineSeconds"] == 20
    gcloud("subscriptions", "update", "shell-sub", "--ack-deadline=40")
    deadlines = {row["name"]: row["ackDeadlineSeconds"] for row in gcloud("subscriptions", "list")}
    assert deadlines[name] == 40
    [message_id] = gcloud("topics", "publish", "shell", "--message=hi", "--attribute=k=v")[
        "messageIds"
    ]
    [pulled] = gcloud("subscriptions", "pull", "shell-sub", "--auto-ack")
    assert pulled["message"]["messageId"] == message_id
    assert base64.b64decode(pulled["message"]["data"]) == b"hi"
    assert gcloud("subscriptions", "pull", "shell-sub", "--auto-ack") == []
    gcloud("subscriptions", "delete", "shell-sub")
    gcloud("topics", "delete", "shell")
    assert topic not in [row["name"] for row in gcloud("topics", "list")]
