"""The generator's page of its API, in a real browser that can reach nothing else."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e.conftest import LocalStack

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def stack(shared: LocalStack) -> LocalStack:
    """The one that modules share."""
    return shared


@pytest.mark.installed
@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_the_page_shows_the_routes_and_asks_nobody_else(stack: LocalStack) -> None:
    port = stack.port("generator")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET]
        )
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{port}/docs")
        expect(page.get_by_text("Event generator")).to_be_visible()
        expect(page.get_by_text("/scenarios/{name}/start")).to_be_visible()
        browser.close()
    elsewhere = {urlsplit(url).netloc for url in asked if url.startswith("http")}
    assert elsewhere == {f"127.0.0.1:{port}"}
