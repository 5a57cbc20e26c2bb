"""Cases of resources: what is taken, what is refused, and with which status."""

from __future__ import annotations

import json

from tests.parity.case import case
from tests.parity.place import PROJECT, Place, answer

AVRO = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}
PROTO = 'syntax = "proto3"; message Order { string id = 1; }'


@case("a message with neither data nor attributes", "INVALID_ARGUMENT", "PubsubMessage")
def empty_message(place: Place) -> str:
    topic, _ = place.pair()
    return answer(lambda: place.send(topic, [{}]))


@case("an attribute whose key begins with goog", "INVALID_ARGUMENT", "Publish messages to topics")
def reserved_key(place: Place) -> str:
    topic, _ = place.pair()
    return answer(lambda: place.publish(topic, "a", google="1"))


@case("1,001 messages in one request", "INVALID_ARGUMENT", "Pub/Sub quotas and limits")
def too_many(place: Place) -> str:
    topic, _ = place.pair()
    return answer(lambda: place.publish(topic, *["a"] * 1001))


@case("101 attributes", "INVALID_ARGUMENT", "Pub/Sub quotas and limits")
def too_many_attributes(place: Place) -> str:
    topic, _ = place.pair()
    return answer(lambda: place.publish(topic, "a", **{f"k{number}": "" for number in range(101)}))


@case("an ordering key of 1,025 bytes", "INVALID_ARGUMENT", "Pub/Sub quotas and limits")
def long_ordering_key(place: Place) -> str:
    topic, _ = place.pair()
    return answer(lambda: place.publish(topic, "a", key="k" * 1025))


@case("ack_deadline_seconds of 5", "INVALID_ARGUMENT", "Subscription")
def short_deadline(place: Place) -> str:
    topic = place.topic()
    return answer(lambda: place.subscription(topic, ack_deadline_seconds=5))


@case("message_retention_duration of 5 minutes", "INVALID_ARGUMENT", "Subscription")
def short_retention(place: Place) -> str:
    topic = place.topic()
    return answer(lambda: place.subscription(topic, message_retention_duration={"seconds": 300}))


@case("a label key in capitals", "INVALID_ARGUMENT", "Labels overview")
def bad_label(place: Place) -> str:
    return answer(lambda: place.topic(labels={"Team": "a"}))


@case("a topic whose id begins with goog", "INVALID_ARGUMENT", "Pub/Sub resource names")
def bad_name(place: Place) -> str:
    return answer(lambda: place.publisher.create_topic(name=f"{PROJECT}/topics/google-things"))


@case("a topic that exists", "ALREADY_EXISTS", "Topic")
def twice(place: Place) -> str:
    topic = place.topic()
    return answer(lambda: place.publisher.create_topic(name=topic))


@case("a subscription of no topic", "NOT_FOUND", "Subscription")
def of_nothing(place: Place) -> str:
    return answer(lambda: place.subscription(place.name("topics")))


@case("an ack without ids", "INVALID_ARGUMENT", "AcknowledgeRequest")
def no_ids(place: Place) -> str:
    _, subscription = place.pair()
    return answer(lambda: place.ack(subscription))


@case("a subscription's topic after it was deleted", "_deleted-topic_", "Subscription")
def outlives(place: Place) -> str:
    topic, subscription = place.pair()
    place.publisher.delete_topic(topic=topic)
    return str(place.subscriber.get_subscription(subscription=subscription).topic)


@case("a filter that is changed", "INVALID_ARGUMENT", "Filter messages from a subscription")
def fixed_filter(place: Place) -> str:
    topic, subscription = place.pair(filter="attributes:a")
    changed = {"name": subscription, "topic": topic, "filter": "attributes:b"}
    mask = {"paths": ["filter"]}
    request = {"subscription": changed, "update_mask": mask}
    return answer(lambda: place.subscriber.update_subscription(request))


@case("a filter that does not parse", "INVALID_ARGUMENT", "Filter messages from a subscription")
def bad_filter(place: Place) -> str:
    topic = place.topic()
    return answer(lambda: place.subscription(topic, filter="attributes ="))


@case("expiration_policy where none is given", "2678400 s", "Subscription")
def expires(place: Place) -> str:
    _, name = place.pair()
    policy = place.subscriber.get_subscription(subscription=name).expiration_policy
    return f"{int(policy.ttl.total_seconds())} s"


@case("an IAM policy that is set", "roles/pubsub.viewer", "Access control with IAM")
def policy_is_kept(place: Place) -> str:
    topic = place.topic()
    binding = {"role": "roles/pubsub.viewer", "members": ["allUsers"]}
    place.publisher.set_iam_policy({"resource": topic, "policy": {"bindings": [binding]}})
    kept = place.publisher.get_iam_policy({"resource": topic})
    return " ".join(each.role for each in kept.bindings) or "nothing"


@case("snapshots of a project without any", "none", "projects.snapshots.list")
def no_snapshots(place: Place) -> str:
    listed = list(place.subscriber.list_snapshots(project="projects/another-project"))
    return " ".join(each.name for each in listed) or "none"


@case("an Avro schema: a message that does not fit", "INVALID_ARGUMENT", "Schema overview")
def avro(place: Place) -> str:
    return _unfitting(place, 2, json.dumps(AVRO))


@case(
    "a Protocol Buffer schema: a message that does not fit", "INVALID_ARGUMENT", "Schema overview"
)
def protobuf(place: Place) -> str:
    return _unfitting(place, 1, PROTO)


def _unfitting(place: Place, kind: int, definition: str) -> str:
    name = place.name("schemas")
    schema = {"type_": kind, "definition": definition}
    short = name.rpartition("/")[2]
    made = answer(
        lambda: place.schemas.create_schema(parent=PROJECT, schema=schema, schema_id=short)
    )
    if made != "taken":
        return f"{made} for the schema"
    topic = place.topic(schema_settings={"schema": name, "encoding": 1})
    fitting = answer(lambda: place.publish(topic, '{"id": "1"}'))
    unfitting = answer(lambda: place.publish(topic, '{"other": 1}'))
    return unfitting if fitting == "taken" else f"{fitting} for one that fits"


@case("a schema's revisions after a commit", "2", "Schema revisions")
def revisions(place: Place) -> str:
    name = place.name("schemas")
    first = {"type_": 2, "definition": json.dumps(AVRO)}
    place.schemas.create_schema(parent=PROJECT, schema=first, schema_id=name.rpartition("/")[2])
    more = AVRO | {"doc": "second"}
    second = {"name": name, "type_": 2, "definition": json.dumps(more)}
    place.schemas.commit_schema({"name": name, "schema": second})
    return str(len(list(place.schemas.list_schema_revisions(name=name))))
