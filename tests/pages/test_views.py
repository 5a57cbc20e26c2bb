"""Every view of the control room: for a screen reader, for a narrow screen, by dark, as a picture.

`tox -e pages` runs it, and writes each view's picture to docs/control-room/; `make test` has
tests/e2e/test_control_room.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.wire import ask
from localgcp import environment
from tests.e2e.conftest import PATIENCE, ROOT, LocalStack, until

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PICTURES = ROOT / "docs" / "control-room"
SLOW_MS = PATIENCE * 1000
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 844}
VIEWS = (
    *("flow", "events", "letters", "sql", "tables", "tables/orders", "files", "topics"),
    *("logs", "faults", "alerts", "snapshots"),
)
EVENTS = 240
MOST_TASK_MS = 100
LOAD_MINUTES = 10
pytestmark = [
    pytest.mark.installed,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.skipif(environment.kind() != "embedded", reason="drives processes of its own"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with two weeks of history, some events of today, dead letters, and a snapshot."""
    made = LocalStack(tmp_path_factory.mktemp("pages") / "data")
    try:
        made.up("--no-browser")
        made.json("seed", "14", "--per-day", "40")
        generate(made, 1200, EVENTS / 1200, invalid=0.05)
        made.drained(EVENTS)
        made.json("snapshot", "save", "two-weeks")
        yield made
    finally:
        made.stop()


def generate(stack: LocalStack, per_minute: int, minutes: float, invalid: float = 0.0) -> None:
    """Start a load, by the generator's own API."""
    load = {
        "events_per_minute": per_minute,
        "duration_minutes": minutes,
        "invalid_ratio": invalid,
    }
    ask("POST", f"http://127.0.0.1:{stack.port('generator')}/generate/start", load)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET]
        )
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def page(stack: LocalStack, browser: Browser) -> Iterator[Page]:
    yield from opened(stack, browser, WIDE, "light")


def opened(stack: LocalStack, browser: Browser, size: ViewportSize, scheme: str) -> Iterator[Page]:
    """A page of one size and scheme."""
    made = browser.new_page(
        viewport=size,
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=f"http://127.0.0.1:{stack.port('control_room')}",
    )
    made.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    yield made
    made.close()


def visit(page: Page, view: str) -> None:
    """Open a view, and wait for all that it asks."""
    page.goto(f"/#/{view}")
    page.locator("main h1").first.wait_for()
    page.locator(".chip", has_text="live").wait_for()
    expect(page.locator("main .empty", has_text="Searching")).to_have_count(0)
    page.wait_for_function("document.querySelectorAll('main .card').length > 0")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
def test_no_view_has_a_serious_finding_or_is_wider_than_its_screen(
    stack: LocalStack, browser: Browser, scheme: str, size: ViewportSize
) -> None:
    found = []
    for page in opened(stack, browser, size, scheme):
        for view in VIEWS:
            visit(page, view)
            found += [
                (view, each["id"], [node["html"] for node in each["nodes"]])
                for each in Axe().run(page).response["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, view
            keep(page, view, scheme, size)
    assert found == []


def keep(page: Page, view: str, scheme: str, size: ViewportSize) -> None:
    """The picture of a view: all on a wide screen by light, some by dark or on a narrow one."""
    if (size is NARROW or scheme == "dark") and view not in ("flow", "events"):
        return
    if view == "files":  # a folder that nobody opened yet
        return
    width = "narrow-" if size is NARROW else ""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{width}{scheme}-{view.replace('/', '-')}.png")


def test_a_snapshot_is_saved_and_gone_back_to(stack: LocalStack, page: Page) -> None:
    before = stored(stack)
    visit(page, "snapshots")
    page.get_by_placeholder("before-the-change").fill("here")
    page.get_by_role("button", name="Save").click()
    row = page.locator("tr", has_text="here")
    expect(row).to_be_visible()
    generate(stack, 1200, 0.1)
    until(lambda: stored(stack) > before, PATIENCE, "more events")
    old = stack.child("bigquery")
    page.get_by_role("button", name="Back to here").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to here").click()
    until(lambda: back(stack, old), PATIENCE, "the stack to come back")
    stack.drained()
    assert stored(stack) == before
    assert stack.json("ledger")["lost"] == 0
    # The page came back by itself, and may act again.
    expect(page.locator(".ledger")).to_contain_text("Balanced")
    page.get_by_placeholder("before-the-change").fill("again")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tr", has_text="again")).to_be_visible()


def stored(stack: LocalStack) -> int:
    """Rows in all tables."""
    return stack.look().stored


def back(stack: LocalStack, old: int) -> bool:
    """Whether other processes serve than the one of before."""
    file: Path = stack.data_dir / "stack.json"
    if not file.exists():
        return False
    state = json.loads(file.read_text())
    return bool(state["state"] == "ready" and state["children"]["bigquery"][0] != old)


def test_the_alerts_and_the_contract_are_told(stack: LocalStack, page: Page) -> None:
    visit(page, "alerts")
    rule = page.locator(".card", has_text="Events were stored as dead letters")
    expect(rule).to_be_visible()
    assert {each["name"] for each in stack.json("alerts", code=fires(stack))} >= {"dead_letters"}
    visit(page, "tables")
    page.get_by_role("button", name="Preview a changed type").click()
    dialog = page.get_by_role("dialog", name="Contract preview")
    expect(dialog.locator(".chip", has_text="unchanged")).to_have_count(3)


def fires(stack: LocalStack) -> int:
    """The exit code of `alerts`."""
    return stack.run("alerts").returncode


def test_a_page_neither_lags_nor_grows_under_load(stack: LocalStack, page: Page) -> None:
    """Ten minutes of 500 events a second."""
    visit(page, "flow")
    page.evaluate(
        "() => { window.long = []; new PerformanceObserver((list) => window.long.push("
        "...list.getEntries().map((each) => each.duration))).observe({type: 'longtask'}); }"
    )
    generate(stack, 30_000, LOAD_MINUTES)
    session = page.context.new_cdp_session(page)
    heaps = []
    for _ in range(4 * LOAD_MINUTES):
        page.wait_for_timeout(15_000)
        session.send("HeapProfiler.collectGarbage")
        used = session.send("Runtime.getHeapUsage")
        heaps.append(used["usedSize"])
    assert max(page.evaluate("window.long"), default=0) < MOST_TASK_MS
    assert heaps[-1] < 1.5 * heaps[LOAD_MINUTES], heaps
    stack.drained()
