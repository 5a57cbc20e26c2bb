"""2 · Trigger: an event whose table or column is missing comes in; that is there when it leaves.

The Cloud Function's entry point is `manage_table`; the pipeline asks (`pipeline.requests`). What
can't be made now is answered with 503, so that Pub/Sub delivers the request again.
Next: the pipeline, which waits, and stores the event in the table.
"""

from __future__ import annotations

import base64
import binascii
import gc
import logging
from functools import cache
from http import HTTPStatus
from typing import Any

import flask
import functions_framework
from cloudevents.http import CloudEvent
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

import settings
import telemetry
from event_types import registry
from event_types.base import EventType
from event_types.contract import Contract, contract_of, layout_under
from event_types.validate import InvalidEvent, Validator
from services import guard, logs
from services.table_manager.errors import DatasetNotFound, TableError
from services.table_manager.tables import REQUEST_SECONDS, RETRY, ensure_table, ensure_view

here = settings.load()
log = logging.getLogger("table_manager")
seldom = logs.Seldom(log)
exporting = telemetry.Exporting.of(here, here.table_manager)


def _labels() -> dict[str, str]:
    trace = flask.request.headers.get("traceparent", "") if flask.has_request_context() else ""
    return logs.trace_labels(trace, here.project_id)


logs.set_up(here.log_level, _labels)


@cache
def _client() -> bigquery.Client:
    return bigquery.Client(project=here.project_id)


class TableNotReady(Exception):
    """The table of an event type can't be made now; the request is to come again."""

    def __init__(self, event_type: EventType, why: Exception) -> None:
        super().__init__(f"table {event_type.table} is not ready: {why}")


def _ensure(event_type: EventType) -> None:
    try:
        labels = _client().get_dataset(here.dataset, retry=RETRY, timeout=REQUEST_SECONDS).labels
        contract = contract_of(labels, event_type.name, Contract(here.schema_contract))
        layout = layout_under(contract, event_type.layout)
        ensure_table(_client(), here.dataset, layout, contract)
        ensure_view(_client(), here.dataset, layout)
    except NotFound as error:
        absent = DatasetNotFound(f"{here.project_id}.{here.dataset}")
        raise TableNotReady(event_type, absent) from error
    except (TableError, GoogleAPIError, GoogleAuthError, OSError) as error:
        raise TableNotReady(event_type, error) from error


validate = Validator(tuple(each.model for each in registry.ALL), here.max_event_bytes)


refused = guard.gate(here.allow_hosts, here.allow_origins)


@flask.current_app.before_request
def admit() -> flask.Response | None:
    """Let Pub/Sub and this machine's programs in, and no web page."""
    asking = flask.request
    headers = [(n.lower().encode(), value.encode("latin-1")) for n, value in asking.headers]
    refusal = refused(asking.method, headers, asking.path)
    if refusal is None:
        return None
    return flask.Response(refusal.body, refusal.status, content_type=guard.PROBLEM)


@functions_framework.cloud_event  # type: ignore[untyped-decorator]
def manage_table(event: CloudEvent) -> None:
    """Make sure that the table of a message's event type exists.

    A message that is no valid event is logged and acked: it asks for no table, and it is the
    pipeline that dead-letters it.
    """
    message = event.data["message"]
    if exporting is None:
        _manage(message)
        return
    told = telemetry.recorder(exporting)
    topic = here.table_requests_topic
    said = {
        **telemetry.about("process", topic),
        "messaging.message.id": str(message.get("messageId")),
    }
    trace = telemetry.trace_of(message.get("attributes") or {})
    try:
        with told.doing(telemetry.title("process", topic), telemetry.CONSUMER, said, trace):
            _manage(message)
    finally:
        told.flush()  # between requests the instance may have no CPU


def _manage(message: dict[str, Any]) -> None:
    try:
        data = base64.b64decode(message.get("data", ""), validate=True)
        name = validate(data).event_type
    except (InvalidEvent, binascii.Error) as error:
        log.warning("not an event: %s", error, extra=_refusal(message, error))
        return
    _ensure(registry.by_name(name))


@functions_framework.errorhandler(TableNotReady)  # type: ignore[untyped-decorator]
def table_not_ready(error: TableNotReady) -> tuple[str, int]:
    """Say so in one line; many requests may wait for the same table."""
    seldom.error(str(error), "%s", error)
    return str(error), HTTPStatus.SERVICE_UNAVAILABLE


def _refusal(message: dict[str, Any], error: Exception) -> dict[str, Any]:
    return {
        "message_id": message.get("messageId"),
        "reason": getattr(error, "reason", "not_base64"),
    }


# What the imports made stays for good: the server's processes share it, and neither a collection
# nor their end need look at it.
gc.freeze()
