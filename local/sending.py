"""`python -m local send`: progress while messages go out, and a word on each that is no event."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

from event_types.dead_letter import Reason
from event_types.validate import InvalidEvent, validate
from local.reading import Message

LIVE_SECONDS, PLAIN_SECONDS = 0.1, 2.0
INTERRUPTED = "interrupted"


@dataclass
class Invalid:
    """The messages that are no events, which the pipeline makes dead letters of."""

    counts: Counter[Reason] = field(default_factory=Counter)
    lines: dict[Reason, int] = field(default_factory=dict)
    """The first of each reason."""

    def watched(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Pass all messages on, and note those that are no events."""
        for message in messages:
            try:
                validate(message.data)
            except InvalidEvent as why:
                self.counts[why.reason] += 1
                self.lines.setdefault(why.reason, message.line)
            yield message

    def said(self) -> str:
        """One line for a person; nothing if all are events."""
        if not self.counts:
            return ""
        reasons = ", ".join(
            f"{count:,} {reason} (first: line {self.lines[reason]:,})"
            for reason, count in self.counts.most_common()
        )
        total = self.counts.total()
        one, many = "is no event and becomes a dead letter", "are no events and become dead letters"
        return f"{total:,} of them {one if total == 1 else many}: {reasons}"


class LinesSent:
    """How many are sent: in place on a terminal, a line every two seconds in a pipe."""

    def __init__(
        self,
        stream: TextIO,
        total: int | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._live = stream, stream.isatty()
        self._of = "" if total is None else f" of {total:,}"
        self._monotonic = monotonic
        self._began = self._shown = monotonic()

    def show(self, sent: int) -> None:
        """That many are confirmed now."""
        now = self._monotonic()
        if now - self._shown < (LIVE_SECONDS if self._live else PLAIN_SECONDS):
            return
        self._shown = now
        line = f"sent {sent:,}{self._of}, {sent / (now - self._began):,.0f}/s"
        self._stream.write(f"\r{line}\x1b[K" if self._live else f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the terminal's line empty for what follows."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


class Words:
    """What the command says to a person in the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.sent = 0

    def add(self, event_id: str) -> None:
        """One more is sent."""
        self.sent += 1

    def end(self, invalid: Invalid, error: str | None) -> None:
        """The sum, and what was no event. What was not sent is told with the error."""
        if error == INTERRUPTED or error is None:
            lines = [f"{INTERRUPTED}, " * bool(error) + f"sent {self.sent:,}", invalid.said()]
            self._stream.write("".join(f"{line}\n" for line in lines if line))


class Document:
    """The command's JSON, written as the ids come, so that none is held: `event_ids` first."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.sent = 0
        stream.write('{"event_ids": [')

    def add(self, event_id: str) -> None:
        """One more is sent."""
        self._stream.write((", " if self.sent else "") + json.dumps(event_id))
        self.sent += 1

    def end(self, invalid: Invalid, error: str | None) -> None:
        """Close it, with the sum, what was no event, and what was not sent."""
        rest = {"sent": self.sent, "dead_letters": dict(invalid.counts), "error": error}
        self._stream.write("], " + json.dumps(rest)[1:] + "\n")
