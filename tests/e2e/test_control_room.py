"""The control room in a real browser, over one running stack: what a user sees and does there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.messages import THREE
from localgcp import environment
from tests.e2e.conftest import PATIENCE, LocalStack, until

CHROMIUM = shutil.which("chromium")
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
TOTAL, BROKEN = 120, 6
SCENARIO = {
    "name": "page_test",
    "description": "A hundred and twenty events, six of them broken.",
    "request": {"events_per_minute": 1200, "duration_minutes": 0.1, "invalid_ratio": 0.05},
}
VIEWS = (
    *("flow", "events", "letters", "sql", "tables", "files", "topics", "logs"),
    *("faults", "snapshots"),
)
WIDE: ViewportSize = {"width": 1280, "height": 800}
SLOW_MS = PATIENCE * 1000
# Each tries to run, to ask another site, or to break out of what holds it.
HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "<svg/onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "\"><iframe srcdoc='<script>parent.hacked=1</script>'>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "'-window.hacked=1-'",
    "<style>@import 'http://evil.test/x'</style>",
    "\u202eevil\u2066\u0000\u001b[31m",
    "../../%2e%2e/#/faults",
)
pytestmark = [
    pytest.mark.installed,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed"),
    pytest.mark.skipif(environment.kind() != "embedded", reason="drives processes of its own"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("room")
    (folder / "scenarios.json").write_text(json.dumps([SCENARIO]))
    own = {"SCENARIOS_FILE": str(folder / "scenarios.json")}
    made = LocalStack(folder / "data", settings=own)
    try:
        made.up()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What any page said on its console that it should not have."""
    return []


@pytest.fixture(scope="module")
def page(stack: LocalStack, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    made = browser.new_page(
        viewport=WIDE, base_url=f"http://127.0.0.1:{stack.port('control_room')}"
    )
    made.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    # A refusal of the policy is an error on the console; so is an id that has no dead letter: 404.
    made.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type == "error" and not said.text.startswith("Failed to load resource")
            else None
        ),
    )
    yield made
    made.close()


def visit(page: Page, view: str) -> None:
    """Open a view, and wait for its heading."""
    page.goto(f"/#/{view}")
    page.locator("main h1").first.wait_for()


def start(page: Page) -> None:
    """Start the scenario in the flow."""
    visit(page, "flow")
    page.get_by_role("button", name="Start page_test").click()


def backlog(page: Page) -> int:
    """What the topic's card says."""
    text = page.locator(".n-topic .figure span").inner_text().replace(",", "")
    return int(text) if text.isdigit() else 0


def test_a_scenario_runs_to_its_exact_total(stack: LocalStack, page: Page) -> None:
    start(page)
    task = page.locator(".task", has_text="page test").first
    expect(task.locator(".chip")).to_have_text("completed")
    expect(task).to_contain_text(f"{TOTAL} of {TOTAL} confirmed")
    stack.drained(TOTAL)
    badge = page.locator(".ledger")
    expect(badge).to_contain_text("Balanced")
    stored = TOTAL - BROKEN
    expect(badge).to_contain_text(f"{TOTAL} published = {stored} stored + {BROKEN} dead-lettered")
    expect(badge).to_contain_text("lost 0 · duplicated 0")
    expect(page.locator(".n-tables .figure span")).to_have_text(str(stored))
    expect(page.locator(".node.sick")).to_have_count(0)
    badge.click()
    expect(page.get_by_role("dialog")).to_contain_text("duplicated lines")
    page.keyboard.press("Escape")


def test_an_event_is_found_and_followed_to_its_row_and_its_file(page: Page) -> None:
    visit(page, "events")
    page.locator("select[name=kind]").select_option("order")
    page.locator("select[name=field]").select_option("event_type")
    page.get_by_placeholder("An event id").fill("order")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr .chip").first).to_have_text("order")
    link = page.locator("tbody a").first
    event_id = link.inner_text()
    link.click()
    expect(page.locator("h1")).to_have_text(event_id)
    expect(page.locator(".head .chip")).to_have_text("stored")
    for hop in ("taken by Pub/Sub", "confirmed", "delivered, attempt 1", "validated", "row stored"):
        expect(page.locator(".fall")).to_contain_text(hop)
    expect(page.locator(".fall")).to_contain_text("written to its file")
    expect(page.locator(".card", has=page.get_by_role("heading", name="Row"))).to_contain_text(
        event_id
    )
    page.locator("a", has_text=re.compile(r"^order_\d+\.json$")).click()
    expect(page.locator("main")).to_contain_text(event_id)


def test_a_dead_letter_is_mended_sent_again_and_stored(stack: LocalStack, page: Page) -> None:
    (event_id,) = stack.json("send", "-", stdin=BAD_STATUS)["event_ids"]
    stack.drained()
    visit(page, f"letters/{event_id}")
    expect(page.locator("mark")).to_contain_text('"status": "lost"')
    area = page.get_by_label("Edited payload")
    area.fill(area.input_value().replace('"lost"', '"shipped"'))
    expect(page.get_by_role("status").first).to_contain_text("Valid")
    page.get_by_role("button", name="Keep the edit").click()
    expect(page.locator(".chip", has_text="edited")).to_be_visible()
    page.get_by_role("button", name="Redrive…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("ready, edited")
    dialog.get_by_role("button", name="Send 1 again").click()
    expect(page.locator(".head .chip", has_text="redriven")).to_be_visible()
    stack.drained()
    told = stack.json("trace", event_id)
    assert told["state"] == "stored"
    assert told["attributes"]["redrive_count"] == "1"
    (row,) = [each["values"] for each in told["rows"] if each["table"] == "orders"]
    assert row["status"] == "shipped"
    (again,) = stack.json("dlq", "redrive", event_id)["letters"]
    assert again["verdict"] == "redriven"


BAD_STATUS = THREE[0].decode().replace('"pending"', '"lost"')


def test_a_query_is_completed_estimated_and_run(page: Page) -> None:
    visit(page, "sql")
    page.locator(".queries button").first.wait_for()
    area = page.get_by_label("GoogleSQL")
    area.fill("SELECT COUNT(*) AS n FROM ")
    area.press_sequentially("invent")
    expect(page.get_by_role("option", name=re.compile("^inventory_id"))).to_be_visible()
    page.get_by_role("option", name=re.compile("^inventory ?table")).click()
    assert area.input_value() == "SELECT COUNT(*) AS n FROM inventory"
    assert page.locator(".beneath").text_content() == f"{area.input_value()}\n"
    assert page.locator(".beneath .word").all_text_contents() == ["SELECT", "AS", "FROM"]
    expect(page.get_by_text(re.compile(r"^reads "))).to_be_visible()
    page.get_by_role("button", name="Run").click()
    expect(page.locator("tbody td")).to_have_count(1)
    page.get_by_role("button", name="Dead letters by reason").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator("tbody")).to_contain_text("value_out_of_range")
    area.fill("SELECT nothing FROM orders")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".note.bad")).to_contain_text("nothing")


def test_a_fault_is_thrown_and_the_backlog_rises_and_falls(stack: LocalStack, page: Page) -> None:
    published = stack.published()
    visit(page, "faults")
    page.get_by_role("switch", name="bigquery-down").click()
    expect(page.get_by_role("switch", name="bigquery-down")).to_have_attribute(
        "aria-checked", "true"
    )
    start(page)
    expect(page.locator(".n-tables .fault")).to_have_text("1 fault")
    until(lambda: backlog(page) >= TOTAL, PATIENCE, "the backlog to rise")
    assert stack.json("chaos", "off")["thrown"]["bigquery"]["faults"] == []
    until(lambda: backlog(page) == 0, PATIENCE, "the backlog to fall")
    stack.drained(published + TOTAL)
    expect(page.locator(".ledger")).to_contain_text("Balanced")
    assert stack.json("ledger")["lost"] == 0


def test_nothing_in_a_payload_runs_in_the_page(
    stack: LocalStack, page: Page, complaints: list[str]
) -> None:
    order = json.loads(THREE[0])
    lines = []
    for evil in HOSTILE:
        hostile = {**order, "customer_id": evil, "order_id": evil}
        broken = {**hostile, "event_type": evil, evil: evil}
        lines += [json.dumps(hostile), json.dumps(broken), evil]
    for key, evil in (("event_id", HOSTILE[0]), ("event_id", HOSTILE[3]), ("note", HOSTILE[1])):
        stack.json("send", "-", "--lines", "--attribute", f"{key}={evil}", stdin="\n".join(lines))
    stack.drained()
    complaints.clear()
    page.evaluate(
        "document.addEventListener('securitypolicyviolation', () => { window.hacked = 2; })"
    )
    ids = [each["event_id"] for each in stack.json("dlq", "list", "-n", "40")]
    some = [f"letters/{each}" for each in {HOSTILE[0], *ids[:3]}]
    followed = [f"events/{each}" for each in (HOSTILE[0], HOSTILE[3], *ids[:2])]
    for view in (*VIEWS, *map(quoted, some), *map(quoted, followed), "tables/orders"):
        visit(page, view)
        for summary in page.locator("summary").all()[:6]:
            summary.click()
        page.evaluate("document.querySelectorAll('main a').forEach((each) => each.focus())")
        assert page.evaluate("window.hacked") is None, view
        links = page.evaluate("[...document.querySelectorAll('a')].map((each) => each.protocol)")
        assert set(links) == {"http:"}, view
    assert complaints == []


def quoted(view: str) -> str:
    """A view whose last part is any text."""
    name, _, rest = view.partition("/")
    return f"{name}/{''.join(f'%{byte:02X}' for byte in rest.encode())}"


def test_the_keyboard_leads_everywhere(page: Page) -> None:
    visit(page, "flow")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.locator("h1")).to_have_text("Dead letters")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("g x")
    page.keyboard.press("Escape")
    page.goto("/#/events")
    page.locator("main h1", has_text="Events").wait_for()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("An event id")).to_be_focused()
