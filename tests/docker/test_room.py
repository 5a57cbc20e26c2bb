"""The control room as a service of the stack: reached from this machine, and by no web page."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import HTTPError

import pytest

from local.control_room.app import APIS
from local.messages import THREE
from tests.docker.compose import ComposeStack

LISTS = [api.path for apis in APIS for api in apis if api.method == "GET" and "{" not in api.path]


def asked(stack: ComposeStack, path: str, **headers: str) -> tuple[int, str]:
    """Status and body of a GET, as a program of this machine asks it."""
    request = urllib.request.Request(stack.url("control-room") + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_it_is_healthy_and_shows_its_page(stack: ComposeStack) -> None:
    found = stack.container("control-room")
    assert found["State"]["Health"]["Status"] == "healthy"
    [published] = found["NetworkSettings"]["Ports"]["8083/tcp"]
    assert published["HostIp"] == "127.0.0.1"
    status, page = asked(stack, "/")
    assert (status, "<title>" in page) == (200, True)


def test_it_sees_the_other_containers(stack: ComposeStack) -> None:
    stack.json("send", "-", stdin=THREE[0].decode())
    stack.drained(1)
    [event] = json.loads(asked(stack, "/api/events?q=test-order-001")[1])["events"]
    hops = asked(stack, f"/api/events/{event['values']['event_id']}")[1]
    assert "test-order-001" in hops


@pytest.mark.parametrize("path", LISTS)
def test_each_question_of_the_page_is_answered(stack: ComposeStack, path: str) -> None:
    status, said = asked(stack, path)
    assert status in (200, 400), said  # 400: it wants to know of which


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_ask(stack: ComposeStack, host: str) -> None:
    port = stack.url("control-room").rpartition(":")[2]
    assert asked(stack, "/api/scenarios", Host=f"{host}:{port}")[0] == 200


@pytest.mark.parametrize(
    "headers", [{"Host": "rebound.example"}, {"Origin": "https://page.example"}]
)
def test_a_web_page_may_not(stack: ComposeStack, headers: dict[str, str]) -> None:
    status, said = asked(stack, "/api/scenarios", **headers)
    assert status == 403
    assert next(iter(headers.values())) in said
