"""The small parts: source watermark, archive, failures, options, status."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import IntervalWindow
from apache_beam.utils.timestamp import Duration, Timestamp

from localgcp.beam import LocalRunnerOptions
from localgcp.beam.archive import Archive, Record
from localgcp.beam.errors import StatusPortBusy
from localgcp.beam.failures import Backoff, FailureLog
from localgcp.beam.source_watermark import SourceWatermark
from localgcp.beam.status import StatusServer
from localgcp.guard import Allowed
from localgcp.logs import Seldom

RECORD: Record = (("index", (1,)),)


def test_the_source_watermark_follows_the_oldest_of_the_latest_pull_and_never_goes_back() -> None:
    watermark = SourceWatermark()
    assert watermark.found(Timestamp(10), began=Timestamp(100)) == 10
    assert watermark.found(Timestamp(20), began=Timestamp(101)) == 20
    assert watermark.found(Timestamp(5), began=Timestamp(102)) == 20
    assert watermark.found_nothing(Timestamp(103)) == 103
    assert watermark.found(Timestamp(999), began=Timestamp(104)) == 104, "no promise of the future"


def windows(count: int) -> list[Any]:
    return [IntervalWindow(start, start + 10) for start in range(0, count * 10, 10)]


def test_the_archive_keeps_a_window_until_its_allowed_lateness_ends() -> None:
    archive = Archive(Duration(100))
    first, second = windows(2)
    archive.add([(b"k", first, RECORD), (b"k", second, RECORD)])
    archive.expire(Timestamp(110))
    assert archive.find(b"k", first) == RECORD
    archive.expire(Timestamp(111))
    assert archive.find(b"k", first) is None
    assert archive.find(b"k", second) == RECORD


def test_the_archive_gives_up_the_oldest_past_its_limit() -> None:
    archive = Archive(Duration(1000), limit=2)
    first, second, third = windows(3)
    archive.add([(b"k", window, RECORD) for window in (first, second, third)])
    assert len(archive) == 2
    assert archive.find(b"k", first) is None
    archive.restored([(b"k", third)])
    assert len(archive) == 1


def test_a_pause_doubles_up_to_its_bound_and_starts_over_after_success() -> None:
    backoff = Backoff(first=1, most=5)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next() == 1


def failure(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_failure_is_told_in_full_once_and_then_by_its_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = FailureLog()
    with caplog.at_level(logging.ERROR):
        for number in range(100):
            failures.record("Insert", failure(f"no table {number}"), 0.1)
        failures.record("Write", failure("no bucket"), 0.1)
    assert failures.total == 101
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False, True]
    assert "failed 10 times" in caplog.messages[1]
    assert "failed 100 times" in caplog.messages[2]


@pytest.mark.parametrize(
    "option", ["--pull_max_messages=1001", "--ack_lease_seconds=5", "--pull_wait_seconds=0"]
)
def test_an_option_out_of_its_bounds_is_refused_by_name(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        PipelineOptions([option]).view_as(LocalRunnerOptions)
    assert option.partition("=")[0] in capsys.readouterr().err


def get(port: int, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_no_page_reads_the_status() -> None:
    server = StatusServer(0, allowed=Allowed.of(["pipeline"], ["https://app.test"]))
    server.start(lambda: {"state": "RUNNING"}, lambda: None)

    def ask(**headers: str) -> tuple[int, str | None]:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/status", headers=headers)
        answer = connection.getresponse()
        connection.close()
        return answer.status, answer.headers["Access-Control-Allow-Origin"]

    assert ask() == ask(Host="pipeline:8082") == (200, None)
    assert ask(Host="evil.test") == ask(Origin="http://evil.test") == (403, None)
    assert ask(Origin="https://app.test") == (200, "https://app.test")
    server.stop()


def test_status_and_health_tell_the_state() -> None:
    status = {"state": "RUNNING", "stalled": None, "pulled": 3}
    server = StatusServer(0)
    server.start(lambda: status, lambda: None)
    assert get(server.port, "/status") == (200, status)
    assert get(server.port, "/health")[0] == 200
    status["stalled"] = "Insert fails, for 61 s"
    stalled = {"state": "RUNNING", "stalled": "Insert fails, for 61 s"}
    assert get(server.port, "/health") == (503, stalled)
    status.update(state="DRAINING", stalled=None)
    assert get(server.port, "/health") == (503, {"state": "DRAINING", "stalled": None})
    assert get(server.port, "/nothing")[0] == 404
    with pytest.raises(StatusPortBusy, match=f"port {server.port} on"):
        StatusServer(server.port)
    server.stop()


def test_a_program_drains_the_job_and_a_page_does_not() -> None:
    status, server = {"state": "RUNNING"}, StatusServer(0)
    server.start(lambda: status, lambda: status.update(state="DRAINING"))

    def post(path: str, **headers: str) -> int:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("POST", path, headers=headers)
        answer = connection.getresponse()
        connection.close()
        return answer.status

    assert post("/drain", Origin="http://evil.test") == post("/drain", Host="evil.test") == 403
    assert (post("/status"), status["state"]) == (404, "RUNNING")
    assert (post("/drain"), status["state"]) == (200, "DRAINING")
    server.stop()


def test_who_asks_and_goes_leaves_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    asked, answered = threading.Event(), threading.Event()

    def status() -> dict[str, Any]:
        asked.set()
        answered.wait(5)
        return {"state": "x" * 1_000_000, "stalled": None}

    server = StatusServer(0)
    server.start(status, lambda: None)
    with socket.create_connection(("127.0.0.1", server.port)) as hasty:
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hasty.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(5)
    answered.set()
    assert get(server.port, "/nothing")[0] == 404
    server.stop()
    assert capsys.readouterr().err == ""


def test_one_cause_is_warned_of_once_a_minute_and_then_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = iter([0.0, 1.0, 59.0, 60.0, 60.0])
    seldom = Seldom(logging.getLogger("seldom"), lambda: next(times))
    for _ in range(4):
        seldom.warn("away", "%s is away", "it")
    seldom.warn("late", "%d are late", 2)
    said = ["it is away", "it is away (2 more like it in the minute before)", "2 are late"]
    assert [record.getMessage() for record in caplog.records] == said
