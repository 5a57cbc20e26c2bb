"""A page from elsewhere, in a real browser, tries every server of a running stack."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from local.stack import PROJECT_ID
from tests.e2e.conftest import LocalStack

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# The names lead here, as an attacker's name server would have it.
REBOUND = "--host-resolver-rules=MAP evil.test 127.0.0.1"
# Some browsers ask their user before a page reaches this machine; this one does not.
UNASKED = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
TOPIC = f"/v1/projects/{PROJECT_ID}/topics"
BIGQUERY = f"/bigquery/v2/projects/{PROJECT_ID}"
ORDER = {"datasetReference": {"datasetId": "evil", "projectId": PROJECT_ID}}
# Where each server changes something, with what, and what it tells.
TARGETS: dict[str, tuple[str, Any, str]] = {
    "pubsub": (f"{TOPIC}/evil", {}, TOPIC),
    "bigquery": (f"{BIGQUERY}/datasets", ORDER, f"{BIGQUERY}/datasets"),
    "storage": (f"/storage/v1/b?project={PROJECT_ID}", {"name": "evil-bucket"}, "/storage/v1/b"),
    "generator": ("/generate/single/order", {}, "/health"),
    "table_manager": ("/", {"message": {}}, "/"),
    "pipeline": ("/status", {}, "/status"),
}
pytestmark = [
    pytest.mark.installed,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def stack(shared: LocalStack) -> LocalStack:
    """The one that modules share, with nothing on its way in it."""
    shared.drained()
    return shared


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The attacker's site."""
    handler = partial(Quiet, directory=str(Path(__file__).parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://evil.test:{server.server_port}/hostile.html"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", *QUIET, REBOUND, UNASKED],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.close()


def kept(stack: LocalStack) -> dict[str, Any]:
    """All that an attack could have changed."""

    def get(name: str, path: str) -> Any:
        with urlopen(f"http://127.0.0.1:{stack.port(name)}{path}", timeout=10) as answer:
            return json.load(answer)

    return {
        "topics": get("pubsub", "/_emulator/topics"),
        "datasets": get("bigquery", f"{BIGQUERY}/datasets"),
        "buckets": get("storage", f"/storage/v1/b?project={PROJECT_ID}"),
        "published": get("generator", "/health")["published"],
        "pulled": get("pipeline", "/status")["pulled"],
    }


def answers_to(page: Page, port: int) -> list[tuple[str, int]]:
    """Every answer that the server at `port` gives the page, as it comes: method and status."""
    seen: list[tuple[str, int]] = []

    def note(response: Any) -> None:
        if urlsplit(response.url).port == port:
            seen.append((response.request.method, response.status))

    page.on("response", note)
    return seen


@pytest.mark.parametrize("name", TARGETS)
def test_a_page_from_elsewhere_changes_and_reads_nothing(
    stack: LocalStack, page: Page, elsewhere: str, name: str
) -> None:
    before, port = kept(stack), stack.port(name)
    seen = answers_to(page, port)
    page.goto(elsewhere)
    change, body, read = TARGETS[name]
    stolen = page.evaluate(
        "([base, change, body, read]) => attack(base, change, body, read)",
        [f"http://127.0.0.1:{port}", change, body, read],
    )
    assert stolen == []
    assert {method for method, _ in seen} >= {"GET", "POST"}
    assert [each for each in seen if each[1] < 400] == []
    assert kept(stack) == before


@pytest.mark.parametrize("name", TARGETS)
def test_a_name_that_was_made_to_lead_here_is_refused(
    stack: LocalStack, page: Page, name: str
) -> None:
    """DNS rebinding: to the browser, page and server are one origin by now."""
    before, port = kept(stack), stack.port(name)
    base = f"http://evil.test:{port}"
    hostile = (Path(__file__).parent / "hostile.html").read_text()
    page.route(
        f"{base}/hostile.html",
        lambda route: route.fulfill(body=hostile, content_type="text/html"),
    )
    seen = answers_to(page, port)
    page.goto(f"{base}/hostile.html")
    seen.clear()
    change, body, read = TARGETS[name]
    stolen = page.evaluate(
        "([base, change, body, read]) => attack(base, change, body, read)",
        [base, change, body, read],
    )
    assert stolen == []
    assert {method for method, _ in seen} >= {"GET", "POST"}
    assert [each for each in seen if each[1] < 400] == []
    assert kept(stack) == before


def test_the_generators_own_page_works(stack: LocalStack, page: Page) -> None:
    before, port = kept(stack)["published"], stack.port("generator")
    page.goto(f"http://localhost:{port}/docs")
    status = page.evaluate(
        "async () => (await fetch('/generate/single/order', {method: 'POST'})).status"
    )
    assert status == 200
    assert kept(stack)["published"] == before + 1


def test_a_link_from_elsewhere_leads_to_it(stack: LocalStack, page: Page, elsewhere: str) -> None:
    page.goto(elsewhere)
    url = f"http://127.0.0.1:{stack.port('generator')}/docs"
    with page.expect_navigation(url=url) as navigation:
        page.evaluate(f"() => {{ location.href = '{url}' }}")
    assert navigation.value is not None
    assert navigation.value.status == 200
