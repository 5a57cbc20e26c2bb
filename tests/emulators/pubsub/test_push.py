"""Push delivery to real HTTP servers: one that counts, and the functions framework."""

from __future__ import annotations

import base64
import http.server
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth import jwt
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from localgcp.base import LOOPBACK, claim_port
from localgcp.testing.backends import Here
from tests.emulators.elsewhere import here
from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess, wait_until

OWN = Here(LOOPBACK, LOOPBACK)
"""For an emulator that is a process of the test's own, wherever the others are."""


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers with `codes` one after the other, and then 204; keeps what it was sent."""

    daemon_threads = True

    def __init__(self, here: Here) -> None:
        super().__init__((here.listen, 0), _Handler)
        self.url = f"http://{here.name}:{self.server_port}/hook?token=a%2Fb&x=1"
        self.codes: list[int] = []
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.delay = 0.0
        self.busy = self.busiest = 0
        self.lock = threading.Lock()

    @property
    def payloads(self) -> list[bytes]:
        return [base64.b64decode(body["message"]["data"]) for _, _, body in self.seen]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        wrapped = self.headers.get("Content-Type") == "application/json"
        body = json.loads(raw) if wrapped else {"raw": raw}
        with self.server.lock:
            self.server.headers.append(dict(self.headers))
            self.server.seen.append((time.monotonic(), self.path, body))
            self.server.busy += 1
            self.server.busiest = max(self.server.busiest, self.server.busy)
            code = self.server.codes.pop(0) if self.server.codes else 204
        time.sleep(self.server.delay)
        with self.server.lock:
            self.server.busy -= 1
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(here()) as server:
        yield server


@contextmanager
def serving(where: Here) -> Iterator[Endpoint]:
    server = Endpoint(where)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_body_is_that_of_the_real_service(clients: Clients, endpoint: Endpoint) -> None:
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": endpoint.url})
    published = clients.publisher.publish(topic, b"\x00hi", ordering_key="key", event_type="order")
    message_id = published.result(timeout=10)
    wait_until(lambda: bool(endpoint.seen))
    _, path, body = endpoint.seen[0]
    assert path == "/hook?token=a%2Fb&x=1"
    publish_time = body["message"].pop("publishTime")
    assert publish_time.endswith("Z")
    assert body == {
        "message": {
            "data": base64.b64encode(b"\x00hi").decode(),
            "attributes": {"event_type": "order"},
            "messageId": message_id,
            "message_id": message_id,
            "publish_time": publish_time,
            "orderingKey": "key",
        },
        "subscription": name,
    }


@pytest.mark.parametrize("code", [102, 200, 201, 202, 204])
def test_an_accepted_push_is_acked(
    clients: Clients, endpoint: Endpoint, emulator: EmulatorProcess, code: int
) -> None:
    endpoint.codes = [code]
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": endpoint.url})
    clients.publish(topic, b"a")
    wait_until(lambda: emulator.row(name)["acked"] == 1)
    assert endpoint.payloads == [b"a"]


def test_a_refused_push_is_tried_again_later_and_later(
    clients: Clients, endpoint: Endpoint, emulator: EmulatorProcess
) -> None:
    endpoint.codes = [500, 404, 301]
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": endpoint.url})
    clients.publish(topic, b"a")
    wait_until(lambda: emulator.row(name)["acked"] == 1)
    times = [at for at, _, _ in endpoint.seen]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 3
    assert waits[0] >= 0.1
    assert waits[1] >= 0.2
    assert waits[2] >= 0.4


def test_dead_letters_come_from_push_too(clients: Clients, endpoint: Endpoint) -> None:
    endpoint.codes = [500] * 5
    topic, dead = clients.topic(), clients.topic()
    dead_sub = clients.subscription(dead)
    clients.subscription(
        topic,
        push_config={"push_endpoint": endpoint.url},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
        retry_policy={
            "minimum_backoff": timedelta(milliseconds=10),
            "maximum_backoff": timedelta(milliseconds=20),
        },
    )
    clients.publish(topic, b"bad")
    [letter] = clients.pull(dead_sub, timeout=10)
    assert letter.message.data == b"bad"
    assert [body["deliveryAttempt"] for _, _, body in endpoint.seen] == [1, 2, 3, 4, 5]


def test_a_few_are_under_way_at_a_time_and_all_arrive(
    clients: Clients, endpoint: Endpoint, emulator: EmulatorProcess
) -> None:
    endpoint.delay = 0.02
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": endpoint.url})
    clients.publish(topic, *[b"%d" % number for number in range(300)])
    wait_until(lambda: emulator.row(name)["acked"] == 300)
    assert sorted(set(endpoint.payloads)) == sorted(b"%d" % number for number in range(300))
    assert 1 < endpoint.busiest <= 32


def test_keys_are_pushed_in_order(clients: Clients, endpoint: Endpoint) -> None:
    endpoint.codes = [204, 204, 500]
    topic = clients.topic()
    clients.subscription(
        topic, push_config={"push_endpoint": endpoint.url}, enable_message_ordering=True
    )
    for number in range(20):
        clients.publisher.publish(topic, b"%02d" % number, ordering_key="k")
    wait_until(lambda: len(set(endpoint.payloads)) == 20)
    assert list(dict.fromkeys(endpoint.payloads)) == sorted(set(endpoint.payloads))


def test_an_endpoint_that_is_down_gets_all_once_it_is_up(
    clients: Clients, emulator: EmulatorProcess
) -> None:
    at = here()
    url = f"http://{at.name}:{claim_port('a test', at.listen, 0)}/"
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": url})
    clients.publish(topic, b"a")
    wait_until(lambda: emulator.row(name)["redelivered"] >= 2)
    assert emulator.row(name)["backlog"] == 1
    clients.subscriber.modify_push_config(subscription=name, push_config={})
    wait_until(lambda: emulator.row(name)["outstanding"] == 0)
    assert [received.message.data for received in clients.pull(name, timeout=10)] == [b"a"]


def test_a_subscription_turned_to_push_is_pushed(clients: Clients, endpoint: Endpoint) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    clients.subscriber.modify_push_config(
        subscription=name, push_config={"push_endpoint": endpoint.url}
    )
    wait_until(lambda: endpoint.payloads == [b"a"])


def test_an_endpoint_elsewhere_is_data_until_one_is_here(
    clients: Clients, endpoint: Endpoint, emulator: EmulatorProcess
) -> None:
    elsewhere = f"https://{PROJECT}.appspot.com/push"
    topic = clients.topic()
    name = clients.subscription(topic, push_config={"push_endpoint": elsewhere})
    told = clients.subscriber.get_subscription(subscription=name)
    assert told.push_config.push_endpoint == elsewhere
    clients.publish(topic, b"a")
    row = emulator.row(name)
    assert (row["backlog"], row["outstanding"], row["delivered"]) == (1, 0, 0)
    assert f"ALLOW_PUSH={PROJECT}.appspot.com" in row["push_refused"]
    reached = {"push_endpoint": endpoint.url}
    clients.subscriber.modify_push_config(subscription=name, push_config=reached)
    wait_until(lambda: endpoint.payloads == [b"a"])
    clients.subscriber.modify_push_config(
        subscription=name, push_config={"push_endpoint": elsewhere}
    )
    clients.publish(topic, b"b")
    row = emulator.row(name)
    assert (row["backlog"], row["outstanding"]) == (1, 0)
    assert endpoint.payloads == [b"a"]
    clients.subscriber.delete_subscription(subscription=name)


def test_data_alone_with_the_rest_in_headers(clients: Clients, endpoint: Endpoint) -> None:
    topic = clients.topic()
    push = {"push_endpoint": endpoint.url, "no_wrapper": {"write_metadata": True}}
    name = clients.subscription(topic, push_config=push)
    odd = {"Host": "elsewhere", "two lines": "x", "value": "a\r\nX-Injected: b"}
    published = clients.publisher.publish(topic, b"\x00hi", ordering_key="key", kind="order", **odd)
    message_id = published.result(timeout=10)
    wait_until(lambda: bool(endpoint.seen))
    [(_, _, body)], [headers] = endpoint.seen, endpoint.headers
    assert body == {"raw": b"\x00hi"}
    assert headers["x-goog-pubsub-subscription-name"] == name
    assert headers["x-goog-pubsub-message-id"] == message_id
    assert headers["x-goog-pubsub-publish-time"].endswith("Z")
    assert headers["x-goog-pubsub-ordering-key"] == "key"
    assert headers["kind"] == "order"
    assert headers["Host"] != "elsewhere"
    assert not {"two lines", "value", "X-Injected"} & headers.keys()


def test_data_alone_without_metadata(clients: Clients, endpoint: Endpoint) -> None:
    topic = clients.topic()
    clients.subscription(topic, push_config={"push_endpoint": endpoint.url, "no_wrapper": {}})
    clients.publish(topic, b"hi", kind="order")
    wait_until(lambda: bool(endpoint.seen))
    assert endpoint.seen[0][2] == {"raw": b"hi"}
    assert not [name for name in endpoint.headers[0] if name.startswith("x-goog") or name == "kind"]


def test_an_authenticated_push_is_checked_by_google_auth(
    clients: Clients, endpoint: Endpoint, emulator: EmulatorProcess
) -> None:
    topic = clients.topic()
    email = "pusher@demo-project.iam.gserviceaccount.com"
    push = {"push_endpoint": endpoint.url, "oidc_token": {"service_account_email": email}}
    clients.subscription(topic, push_config=push)
    clients.publish(topic, b"a")
    wait_until(lambda: bool(endpoint.seen))
    scheme, _, token = endpoint.headers[0]["Authorization"].partition(" ")
    base = f"http://127.0.0.1:{emulator.port}"
    with requests.Session() as session:
        session.trust_env = False
        document = session.get(f"{base}/.well-known/openid-configuration").json()
        [key] = session.get(document["jwks_uri"]).json()["keys"]
        claims = id_token.verify_token(
            token, Request(session), endpoint.url, f"{base}/oauth2/v1/certs"
        )
    assert (scheme, claims["email"], claims["aud"]) == ("Bearer", email, endpoint.url)
    assert claims["iss"] == document["issuer"]
    assert jwt.decode_header(token)["kid"] == key["kid"]


@pytest.fixture
def own_endpoint() -> Iterator[Endpoint]:
    with serving(OWN) as server:
        yield server


def test_pushing_goes_on_after_a_kill(
    killable: EmulatorProcess, connect: Any, own_endpoint: Endpoint
) -> None:
    clients, endpoint = connect(killable), own_endpoint
    topic = clients.topic()
    clients.subscription(topic, push_config={"push_endpoint": endpoint.url})
    endpoint.codes = [500] * 1000
    clients.publish(topic, b"a")
    wait_until(lambda: bool(endpoint.seen))
    killable.kill()
    endpoint.codes = []
    count = len(endpoint.seen)
    killable.start()
    wait_until(lambda: len(endpoint.seen) > count)


FUNCTION = """
import pathlib, functions_framework

@functions_framework.cloud_event
def take(event):
    with pathlib.Path(__file__).with_suffix(".out").open("a") as out:
        out.write(f"{event['type']} {event['source']} {event.data['message']['data']}\\n")
"""


def test_the_functions_framework_gets_a_cloud_event(clients: Clients, tmp_path: Path) -> None:
    source = tmp_path / "take.py"
    source.write_text(FUNCTION)
    at = here()
    port = claim_port("a test", at.listen, 0)
    command = [sys.executable, "-m", "functions_framework", "--target=take", f"--source={source}"]
    command += ["--signature-type=cloudevent", f"--host={at.listen}", f"--port={port}"]
    framework = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        topic = clients.topic()
        url = f"http://{at.name}:{port}/{topic}?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
        clients.subscription(topic, push_config={"push_endpoint": url})
        clients.publish(topic, b"hello")
        written = source.with_suffix(".out")
        wait_until(written.exists, 30)
        wait_until(lambda: written.read_text().endswith("\n"))
        data = base64.b64encode(b"hello").decode()
        line = written.read_text().splitlines()[0]
        assert line.startswith("google.cloud.pubsub.topic.v1.messagePublished")
        assert topic in line
        assert line.endswith(data)
    finally:
        framework.terminate()
        framework.wait(10)
