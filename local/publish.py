"""Publishes lines by hand, recorded in the stack's publish log like the generator's events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as NotInTime

from google.api_core.exceptions import GoogleAPICallError

from local.errors import NotSent
from services.generator.publish import Publisher, PublishFailed
from settings import Settings

CONFIRM_SECONDS = 60.0


def publish_all(
    names: Settings, messages: Iterable[bytes], attributes: Mapping[str, str]
) -> list[str]:
    """Publish each message exactly as it stands; gives their event ids once all are confirmed.

    Raises NotSent with the number of the message, from 1, that could not be published.
    """
    publisher = Publisher(names.topic, names.publish_log)
    number = 0
    try:
        receipts = []
        for number, data in enumerate(messages, 1):  # noqa: B007 - the errors below name it
            receipts.append(publisher.publish(data, attributes))
        event_ids = []
        for number, receipt in enumerate(receipts, 1):  # noqa: B007
            event_ids.append(receipt.result(CONFIRM_SECONDS))
    except NotInTime:
        why = publisher.last_error or f"no confirmation after {CONFIRM_SECONDS:g} s"
        raise NotSent(f"message {number}: {why}") from None
    except (PublishFailed, GoogleAPICallError, ValueError) as error:
        raise NotSent(f"message {number}: {error}") from error
    finally:
        publisher.close(CONFIRM_SECONDS)
    return event_ids
