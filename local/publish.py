"""Publishes messages by hand, recorded in the stack's publish log like the generator's events."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from itertools import chain

from google.api_core.exceptions import GoogleAPICallError

from local.errors import NotSent
from local.reading import Message
from services.generator.fates import PublishFailed
from services.generator.publish import Publisher
from settings import Settings

CONFIRM_SECONDS = 60.0
NO_ANSWER = f"no confirmation after {CONFIRM_SECONDS:g} s"
MOST_WAITING, MOST_WAITING_BYTES = 5_000, 32_000_000
"""Messages and bytes that may wait for their confirmation; the rest is not even read."""
REFUSALS = (PublishFailed, GoogleAPICallError, ValueError, NotInTime)


@dataclass(frozen=True)
class _Waiting:
    line: int
    size: int
    receipt: Future[str]


def publish_all(
    names: Settings, messages: Iterable[bytes], attributes: Mapping[str, str]
) -> list[str]:
    """Publish a few messages exactly as they stand; gives their event ids once all are confirmed.

    Raises NotSent with the number of the message, from 1, that could not be published.
    """
    numbered = (Message(number, data) for number, data in enumerate(messages, 1))
    return list(publish_each(names, numbered, attributes, unit="message"))


def publish_each(
    names: Settings, messages: Iterable[Message], attributes: Mapping[str, str], unit: str = "line"
) -> Iterator[str]:
    """Publish messages as they come; gives the event id of each, in order, once it is confirmed.

    Raises NotSent at the first that could not be published, once the fate of all is known: the
    text names its line, and what else was not sent.
    """
    publisher = Publisher(names.topic, names.publish_log)
    waiting: deque[_Waiting] = deque()
    size = sent = line = 0
    try:
        for message in chain(messages, (None,)):
            if message is not None:
                line = message.line
                receipt = publisher.publish(message.data, attributes)
                waiting.append(_Waiting(line, len(message.data), receipt))
                size += len(message.data)
            while waiting and (message is None or _is_due(waiting, size)):
                line = waiting[0].line
                event_id = waiting[0].receipt.result(CONFIRM_SECONDS)
                size -= waiting.popleft().size
                sent += 1
                yield event_id
    except REFUSALS as error:
        why = publisher.last_error if isinstance(error, NotInTime) else str(error)
        publisher.close(CONFIRM_SECONDS)
        raise NotSent(_account(why or NO_ANSWER, waiting, sent, line, unit)) from error
    finally:
        publisher.close(CONFIRM_SECONDS)


def _is_due(waiting: deque[_Waiting], size: int) -> bool:
    full = len(waiting) > MOST_WAITING or size > MOST_WAITING_BYTES
    return full or waiting[0].receipt.done()


def _account(why: str, waiting: deque[_Waiting], sent: int, line: int, unit: str) -> str:
    """What became of every message, in one line."""
    others = [each for each in waiting if each.line != line]
    arrived = sum(_is_sent(each.receipt) for each in others)
    last = max((each.line for each in waiting), default=line)
    more = len(others) - arrived
    nor = f", nor were {more:,} more up to {unit} {last:,}" if more else ""
    return f"{unit} {line:,} was not sent{nor}: {why}; sent {sent + arrived:,}, and read no further"


def _is_sent(receipt: Future[str]) -> bool:
    with contextlib.suppress(*REFUSALS):
        return bool(receipt.result(0))
    return False
