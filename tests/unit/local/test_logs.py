"""Six processes on one screen."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest

from local.logs import Logs, readable, stamped, undated


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain text", "plain text"),
        ('{"severity": "INFO", "message": "created orders", "time": "now"}', "INFO created orders"),
        ('{"listening": "pubsub", "port": 8085, "env": {}}', "INFO pubsub listens on port 8085"),
        ('{"other": 1}', '{"other": 1}'),
        ("{ torn", "{ torn"),
        ("2026-11-26T01:20:00.123Z plain text", "01:20:00.123Z plain text"),
        (
            '{"severity": "INFO", "message": "m", "time": "2026-11-26T01:20:00.123456+00:00"}',
            "01:20:00.123Z INFO m",
        ),
        (
            '2026-11-26T01:20:00.123Z {"listening": "pubsub", "port": 1}',
            "01:20:00.123Z INFO pubsub listens on port 1",
        ),
    ],
)
def test_a_person_reads_the_message(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_each_line_stands_behind_its_process() -> None:
    out = io.StringIO()
    logs = Logs(out)
    logs.write("pubsub", "one")
    logs.write("table_manager", "two")
    assert out.getvalue() == "pubsub        | one\ntable_manager | two\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours() -> None:
    out = Terminal()
    Logs(out).write("pubsub", "one")
    assert out.getvalue() == "\x1b[36mpubsub        | \x1b[0mone\n"


def test_a_terminal_gets_lines_that_fit_and_names_that_are_whole() -> None:
    out = Terminal()
    url = f"http://127.0.0.1:8080/{'x' * 40}"
    Logs(out, lambda: 50).write(
        "pubsub", f"the function made local-project.events.orders, see {url}"
    )
    assert re.sub("\x1b\\[[0-9]*m", "", out.getvalue()).splitlines() == [
        "pubsub        | the function made",
        "              | local-project.events.orders, see",
        f"              | {url}",
    ]
    plain = io.StringIO()
    Logs(plain, lambda: 20).write("pubsub", "as it is, for a program that reads it")
    assert plain.getvalue() == "pubsub        | as it is, for a program that reads it\n"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("plain text", "2026-11-26T01:20:00.500Z plain text"),
        ('{"listening": "pubsub"}', '2026-11-26T01:20:00.500Z {"listening": "pubsub"}'),
        ('{"message": "m", "time": "now"}', '{"message": "m", "time": "now"}'),
        ("2026-11-26T01:19:59.000Z INFO m", "2026-11-26T01:19:59.000Z INFO m"),
    ],
)
def test_every_line_bears_one_time(line: str, kept: str) -> None:
    now = datetime(2026, 11, 26, 1, 20, 0, 500_000, tzinfo=UTC)
    assert stamped(line, now) == kept
    assert undated(readable(kept)) == readable(line).removeprefix("01:19:59.000Z ")
