"""What the parts wrote, as log entries, page by page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localgcp.console.domain.facts import Facts, MayAsk
from localgcp.console.domain.logs import Asked, Logs
from localgcp.console.errors import Invalid

NOW = datetime(2026, 11, 26, 2, tzinfo=UTC)
STARTED = "2026-11-26T01:00:00+00:00"
HERE = "http://127.0.0.1:8082"
FACTS = Facts.of(
    {
        "project": "p",
        "jobs": [
            {
                **{"id": "j1", "name": "job", "started": STARTED, "log": "pipeline"},
                **{"status": f"{HERE}/status", "drain": f"{HERE}/drain"},
            }
        ],
        "services": [
            {"name": "s", "url": HERE, "started": STARTED, "health": HERE, "log": "generator"}
        ],
    },
    MayAsk(),
)
MINE = frozenset(("p",))


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    (tmp_path / "pipeline.log").write_text(
        "begins\n2026-11-26T01:00:01.500Z WARNING pipeline: slow\n  a line that goes on\n"
    )
    line = {"severity": "ERROR", "message": "no", "time": "2026-11-26T01:00:03+00:00", "id": 7}
    alone = {"severity": "INFO", "message": "up", "time": "2026-11-26T01:00:02+00:00"}
    (tmp_path / "generator.log").write_text(f"{json.dumps(alone)}\n{json.dumps(line)}\n")
    return Logs(tmp_path, tmp_path / "entries.jsonl", lambda: NOW)


def read(logs: Logs, **asked: Any) -> list[dict[str, Any]]:
    return logs.read(FACTS, Asked(MINE, **asked))[0]


def test_a_line_is_an_entry_with_its_time_and_severity(logs: Logs) -> None:
    text = [(e["timestamp"][17:], e["severity"], e.get("textPayload")) for e in read(logs)]
    assert text == [
        ("00.000000Z", "DEFAULT", "begins"),
        ("01.500000Z", "WARNING", "WARNING pipeline: slow"),
        ("01.500000Z", "DEFAULT", "  a line that goes on"),
        ("02.000000Z", "INFO", "up"),
        ("03.000000Z", "ERROR", None),
    ]
    last = read(logs)[-1]
    assert last["jsonPayload"] == {"message": "no", "id": 7}
    assert last["logName"] == "projects/p/logs/run.googleapis.com%2Fstderr"
    assert last["resource"]["labels"]["service_name"] == "s"
    assert read(logs)[0]["resource"]["labels"]["job_id"] == "j1"


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_join_whatever_is_written_meanwhile(logs: Logs, newest_first: bool) -> None:
    whole = [each["insertId"] for each in read(logs, newest_first=newest_first)]
    found, token = [], ""
    for _ in range(3):
        asked = Asked(MINE, newest_first=newest_first, size=2, token=token)
        page, token = logs.read(FACTS, asked)
        found += [each["insertId"] for each in page]
        at = "2026-11-26T03:00:00Z" if newest_first else "2026-11-26T00:00:00Z"
        entry = {"logName": "projects/p/logs/mine", "textPayload": "new", "timestamp": at}
        logs.write([entry], {})
    assert found == whole
    assert token == ""


def test_what_a_client_writes_is_kept(logs: Logs, tmp_path: Path) -> None:
    shared = {"logName": "projects/p/logs/a%2Fb", "labels": {"k": "v"}}
    logs.write([{"textPayload": "mine"}], shared)
    again = Logs(tmp_path, tmp_path / "entries.jsonl")
    (found,) = again.read(FACTS, Asked(MINE, filter='log_id("a/b")'))[0]
    assert (found["labels"], found["timestamp"]) == ({"k": "v"}, "2026-11-26T02:00:00Z")
    assert "projects/p/logs/a%2Fb" in logs.names(FACTS, "p")
    assert logs.read(FACTS, Asked(frozenset(("other",))))[0] == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"logName": "projects/p/logs/a/b", "textPayload": "x"}, r"entries\[1\].logName"),
        ({"logName": "projects/p/logs/a"}, "should have one of textPayload, jsonPayload"),
        ({"logName": "projects/p/logs/a", "textPayload": "x", "severity": "LOUD"}, "'LOUD'"),
        ({"logName": "projects/p/logs/a", "textPayload": "x", "timestamp": "1"}, "timestamp"),
        ({"logName": "projects/p/logs/a", "textPayload": "x", "y": 1}, r"entries\[1\].y"),
    ],
)
def test_of_a_bad_write_nothing_is_kept(logs: Logs, entry: dict[str, Any], why: str) -> None:
    good = {"logName": "projects/p/logs/a", "textPayload": "x"}
    with pytest.raises(Invalid, match=why):
        logs.write([good, entry], {})
    assert read(logs, filter='log_id("a")') == []


def test_a_page_s_token_of_elsewhere_is_refused(logs: Logs) -> None:
    with pytest.raises(Invalid, match="pageToken"):
        read(logs, token="!")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "http://10.0.0.1/status"}, "not on this machine.*--allow-push 10.0.0.1"),
        ({"drain": "file:///etc/passwd"}, "should be an http:// address"),
        ({"log": "../../etc/passwd"}, "should be the plain name of a log"),
        ({"started": "2026-11-26T01:00:00"}, "should name its zone"),
        ({"more": "x"}, "unexpected keyword argument 'more'"),
    ],
)
def test_a_fact_that_leads_elsewhere_is_refused(change: dict[str, str], why: str) -> None:
    told = FACTS.as_json()
    document = {**told, "jobs": [{**told["jobs"][0], **change}], "functions": [], "services": []}
    with pytest.raises(Invalid, match=why):
        Facts.of(document, MayAsk())
    if "10.0.0.1" in why:
        assert Facts.of(document, MayAsk(frozenset(("10.0.0.1",)))).jobs[0].name == "job"
