"""1 · The official Pub/Sub client, set up for a generator's traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.generator.batches import BATCH_BYTES, BATCH_MESSAGES, BATCH_SECONDS

MESSAGE_LIMIT, BYTE_LIMIT = 10_000, 64 * 1024 * 1024
# The client's default waits up to a minute between two tries: too long to recover from a restart.
RETRY_FIRST_SECONDS, RETRY_MOST_SECONDS, RETRY_FOR_SECONDS = 0.1, 2.0, 600.0
ATTEMPT_SECONDS = 30.0


def retrying(on_error: Callable[[Exception], None]) -> Any:
    """How a request is tried again and again, for ten minutes; tells each error."""
    # Imported on first use: it takes a second, and a service should listen before that.
    from google.api_core import exceptions, retry

    transient = retry.if_exception_type(
        exceptions.Aborted,
        exceptions.Cancelled,
        exceptions.DeadlineExceeded,
        exceptions.InternalServerError,
        exceptions.ResourceExhausted,
        exceptions.ServiceUnavailable,
        exceptions.Unknown,
    )
    return retry.Retry(
        transient,
        initial=RETRY_FIRST_SECONDS,
        maximum=RETRY_MOST_SECONDS,
        timeout=RETRY_FOR_SECONDS,
        on_error=on_error,
    )


def connect(ordered: bool, on_error: Callable[[Exception], None]) -> Any:
    """A PublisherClient, with ordering keys or without; tells each error that it will retry.

    One that orders never gives a message up; so it is a client of its own.
    """
    from google.cloud.pubsub_v1 import PublisherClient
    from google.cloud.pubsub_v1 import types as pubsub

    options = pubsub.PublisherOptions(
        enable_message_ordering=ordered,
        flow_control=pubsub.PublishFlowControl(
            MESSAGE_LIMIT, BYTE_LIMIT, pubsub.LimitExceededBehavior.BLOCK
        ),
        retry=retrying(on_error),
        timeout=ATTEMPT_SECONDS,
    )
    batch = pubsub.BatchSettings(BATCH_BYTES, BATCH_SECONDS, BATCH_MESSAGES)
    return PublisherClient(batch_settings=batch, publisher_options=options)
