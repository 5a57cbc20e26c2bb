"""The same test on every kind of emulator: the example of docs/testing.md."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from local.messages import THREE
from localgcp.testing.backends import UPSTREAM
from tests.docker.compose import PROJECT, ComposeStack
from tests.docker.waiting import until
from tests.integration.outside import example, run_pytest

# goccy's emulator answers a row insert and a query as ours does, but can't be pulled everywhere.
PUBSUB_ONLY = """
from google.cloud import pubsub_v1


def test_a_message_comes_back(pubsub_topic):
    name = pubsub_topic.replace("/topics/", "/subscriptions/")
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=name, topic=pubsub_topic)
        publisher = pubsub_v1.PublisherClient()
        publisher.publish(pubsub_topic, b"hello").result(10)
        (got,) = subscriber.pull(subscription=name, max_messages=1).received_messages
        publisher.stop()
        publisher.transport.close()
    assert got.message.data == b"hello"
"""


def needs_image(service: str) -> None:
    name = UPSTREAM[service].name
    found = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"image {name} is not on this machine; docker pull it to run this")


SUBSCRIPTIONS = 3
"""What a stack is provisioned with."""


def rows(stack: ComposeStack) -> int:
    (row,) = stack.json("query", "SELECT COUNT(*) AS n FROM orders")
    return int(row["n"])


def is_provisioned(stack: ComposeStack) -> bool:
    url = f"{stack.url('pubsub')}/v1/projects/{PROJECT}/subscriptions"
    try:
        with urlopen(url, timeout=10) as reply:
            return len(json.load(reply).get("subscriptions", [])) == SUBSCRIPTIONS
    except OSError:
        return False


def test_the_example_on_containers_of_its_own(built: None, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, example() + PUBSUB_ONLY, "-n", "2", EMULATORS="testcontainers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_example_on_a_stack_that_runs(stack: ComposeStack, tmp_path: Path) -> None:
    code = example() + PUBSUB_ONLY
    done = run_pytest(tmp_path, code, "-n", "2", EMULATORS="compose", **stack.ports)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_pubsub_on_google_s_emulator(tmp_path: Path) -> None:
    needs_image("pubsub")
    done = run_pytest(tmp_path, PUBSUB_ONLY, EMULATORS="upstream")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_example_on_others_emulators(tmp_path: Path) -> None:
    for service in UPSTREAM:
        needs_image(service)
    done = run_pytest(tmp_path, example(), EMULATORS="upstream")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_image_that_can_t_be_had_is_named(tmp_path: Path) -> None:
    code = (
        "import localgcp.testing.backends as b\n"
        "b.OURS['pubsub'] = b.Image('realtime-pipeline/none:none', '', 1)\n"
        "def test_it(pubsub_topic): pass"
    )
    done = run_pytest(tmp_path, code, EMULATORS="testcontainers")
    assert done.returncode == 1
    assert "Unavailable: pubsub: image realtime-pipeline/none:none" in done.stdout


def test_the_stack_with_google_s_pubsub_loses_nothing(built: None, tmp_path: Path) -> None:
    needs_image("pubsub")
    files = ("compose.yaml", "compose.upstream.yaml", "tests/docker/own-bigquery.yaml")
    stack = ComposeStack(tmp_path, files)
    try:
        stack.up()
        done = stack.compose("run", "--rm", "--no-TTY", "demo", "demo", "--json")
        ledger = json.loads(done.stdout)
        assert (ledger["published"], ledger["lost"]) == (1_023, 0)
        # It forgets its topics with its process, and somebody makes them again.
        before = rows(stack)
        stack.compose("restart", "pubsub")
        until(lambda: is_provisioned(stack), 120, "its subscriptions")
        stack.json("send", "-", stdin=THREE[0].decode())
        until(lambda: rows(stack) == before + 1, 120, "the row of an event sent after that")
    finally:
        stack.stop()
