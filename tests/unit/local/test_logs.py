"""Six processes on one screen."""

from __future__ import annotations

import io
import re

import pytest

from local.logs import Logs, readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain text", "plain text"),
        ('{"severity": "INFO", "message": "created orders", "time": "now"}', "INFO created orders"),
        ('{"listening": "pubsub", "port": 8085, "env": {}}', "INFO pubsub listens on port 8085"),
        ('{"other": 1}', '{"other": 1}'),
        ("{ torn", "{ torn"),
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
