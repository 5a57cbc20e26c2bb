"""What `send` says while it works, and in the end."""

from __future__ import annotations

import io
import json

import pytest

from event_types.dead_letter import Reason
from local.messages import THREE
from local.reading import Message
from local.sending import Document, Invalid, LinesSent, Words


@pytest.fixture
def invalid() -> Invalid:
    """Two messages of four are no events."""
    made = Invalid()
    lines = (THREE[0], b"{", b'{"event_type":"refund"}', THREE[1])
    messages = [Message(number, data) for number, data in enumerate(lines, 10)]
    assert list(made.watched(messages)) == messages
    return made


def test_what_is_no_event_is_told_with_its_line(invalid: Invalid) -> None:
    out = io.StringIO()
    words = Words(out)
    for event_id in ("a", "b", "c", "d"):
        words.add(event_id)
    words.end(invalid, None)
    sent, dead = out.getvalue().splitlines()
    assert sent == "sent 4"
    assert dead == (
        "2 of them are no events and become dead letters: "
        "1 not_json (first: line 11), 1 unknown_event_type (first: line 12)"
    )


def test_one_that_is_no_event_is_told_as_one() -> None:
    invalid = Invalid()
    assert len(list(invalid.watched([Message(3, b"{")]))) == 1
    assert invalid.said() == (
        "1 of them is no event and becomes a dead letter: 1 not_json (first: line 3)"
    )


def test_an_error_is_told_by_its_own_line_alone(invalid: Invalid) -> None:
    out = io.StringIO()
    Words(out).end(invalid, "line 3 was not sent")
    assert out.getvalue() == ""


def test_the_document_is_whole_whatever_happens(invalid: Invalid) -> None:
    out = io.StringIO()
    document = Document(out)
    document.add("a")
    document.add('"b"')
    document.end(invalid, "line 3 was not sent")
    assert json.loads(out.getvalue()) == {
        "event_ids": ["a", '"b"'],
        "sent": 2,
        "dead_letters": {Reason.NOT_JSON: 1, Reason.UNKNOWN_EVENT_TYPE: 1},
        "error": "line 3 was not sent",
    }


def test_progress_is_in_place_on_a_terminal_and_lines_in_a_pipe() -> None:
    clock = iter((100.0, 100.0, 100.01, 100.01, 101.0, 101.0, 102.0, 102.0))

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    live = LinesSent(terminal, 10_000, monotonic=lambda: next(clock))
    plain = LinesSent(pipe, None, monotonic=lambda: next(clock))
    for sent in (1, 500, 5_000):
        live.show(sent)
        plain.show(sent)
    live.end()
    plain.end()
    assert terminal.getvalue() == (
        "\rsent 500 of 10,000, 500/s\x1b[K\rsent 5,000 of 10,000, 2,500/s\x1b[K\r\x1b[K"
    )
    assert pipe.getvalue() == "sent 5,000, 2,500/s\n"
