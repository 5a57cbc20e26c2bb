"""Makes what an empty stack needs: topics, subscriptions, bucket, dataset, dead-letter table.

The same resources as terraform/ makes in the cloud, by the same names. The event tables are not
among them: the table manager makes each when its first event comes. Asked for by the REST APIs: the
official clients take two seconds to load, which a start should not.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from event_types.dead_letter import DEAD_LETTER_TABLE
from local import wire
from local.attached import Reachable
from local.errors import NotDone

ACK_DEADLINE_SECONDS = 20
"""Short, so that what a killed pipeline held comes back soon; the runner extends it at work."""
PIPELINE_ATTEMPTS = 100
"""The most that Pub/Sub allows: a pipeline that was killed often must not lose its events to the
dead-letter topic, where a redelivery would count as a failure."""
REQUEST_SECONDS = 600
"""The least that Pub/Sub allows: a request for a table is only a hint, and is made again."""
LABELS = {"managed_by": "local"}


def provision(stack: Reachable) -> None:
    """Create what is absent; what exists stays as it is. Raises NotDone, with what a part says."""
    messaging(stack)
    stores(stack)


def stores(stack: Reachable) -> None:
    """The buckets, the dataset and the dead-letter table. Raises NotDone, IncompatibleTable."""
    _storage(stack)
    _bigquery(stack)


def messaging(stack: Reachable) -> None:
    """Topics and subscriptions: a job ends at once where its subscription is absent.

    Raises NotDone.
    """
    names, url = stack.names, f"{stack.url('pubsub')}/v1"
    for topic in (names.topic, names.table_requests_topic, names.dead_letter_topic):
        _make("PUT", f"{url}/{topic}", {})
    subscriptions = _subscriptions(stack)
    for name, subscription in subscriptions.items():
        _make("PUT", f"{url}/{name}", subscription)
    # The function may have got another port since the subscription was made.
    pushed = names.table_requests_subscription
    push = {"pushConfig": subscriptions[pushed]["pushConfig"]}
    _ask("POST", f"{url}/{pushed}:modifyPushConfig", push)
    # A data folder of before 2026-11-25: it would push every event to where nobody listens.
    former = names.former_table_manager_subscription
    _ask("DELETE", f"{url}/{former}", unless=HTTPStatus.NOT_FOUND)


def _subscriptions(stack: Reachable) -> dict[str, dict[str, Any]]:
    """By full name, each as the REST reference's Subscription."""
    names = stack.names
    # As Eventarc names it, so that the framework makes a CloudEvent of what is pushed.
    endpoint = (
        f"{stack.url('table_manager')}/{names.table_requests_topic}"
        "?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
    )
    return {
        names.dead_letter_subscription: {"topic": names.dead_letter_topic},
        names.subscription: {
            "topic": names.topic,
            "ackDeadlineSeconds": ACK_DEADLINE_SECONDS,
            "deadLetterPolicy": {
                "deadLetterTopic": names.dead_letter_topic,
                "maxDeliveryAttempts": PIPELINE_ATTEMPTS,
            },
        },
        names.table_requests_subscription: {
            "topic": names.table_requests_topic,
            "pushConfig": {"pushEndpoint": endpoint},
            "ackDeadlineSeconds": ACK_DEADLINE_SECONDS,
            "messageRetentionDuration": f"{REQUEST_SECONDS}s",
            "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "30s"},
        },
    }


def _storage(stack: Reachable) -> None:
    names = stack.names
    buckets = f"{stack.url('storage')}/storage/v1/b?project={quote(names.project_id)}"
    for bucket in (names.bucket, names.template_bucket):
        _make("POST", buckets, {"name": bucket})


def _bigquery(stack: Reachable) -> None:
    names = stack.names
    datasets = f"{stack.url('bigquery')}/bigquery/v2/projects/{names.project_id}/datasets"
    dataset = {"projectId": names.project_id, "datasetId": names.dataset}
    _make("POST", datasets, {"datasetReference": dataset})
    wanted = DEAD_LETTER_TABLE.to_api()
    table = {"tableReference": {**dataset, "tableId": DEAD_LETTER_TABLE.name}, "labels": LABELS}
    tables = f"{datasets}/{names.dataset}/tables"
    if _make("POST", tables, {**wanted, **table}):
        return
    there = wire.get(f"{tables}/{DEAD_LETTER_TABLE.name}") or {}
    if any(
        there.get(part) != wanted[part] for part in ("schema", "timePartitioning", "clustering")
    ):
        _bring_up_to_date(stack)


def _bring_up_to_date(stack: Reachable) -> None:
    """A data folder of another version has another table, which the table manager knows to mend."""
    from google.cloud import bigquery

    from services.table_manager.tables import ensure_table

    client = bigquery.Client(project=stack.names.project_id)
    ensure_table(client, stack.names.dataset, DEAD_LETTER_TABLE)


def _make(method: str, url: str, resource: dict[str, Any]) -> bool:
    """Whether it was not there before. Raises NotDone."""
    return _ask(method, url, resource, unless=HTTPStatus.CONFLICT)


def _ask(
    method: str, url: str, body: dict[str, Any] | None = None, unless: HTTPStatus | None = None
) -> bool:
    """Whether it was done, rather than refused with `unless`. Raises NotDone for another status."""
    try:
        wire.ask(method, url, body)
    except wire.Refused as refusal:
        if refusal.status != unless:
            raise NotDone(f"{method} {url}: {refusal}") from refusal
        return False
    return True
