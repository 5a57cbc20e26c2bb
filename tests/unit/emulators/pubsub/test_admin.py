"""Topics and subscriptions: what is refused, and in what words."""

from __future__ import annotations

from typing import Any

import pytest

from localgcp.pubsub.domain.config import Duration, RetryPolicy, TopicConfig
from localgcp.pubsub.domain.names import page
from localgcp.pubsub.errors import AlreadyExists, InvalidArgument, NotFound, Unsupported
from localgcp.pubsub.wire import configs, protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, call, drafts, read

PROJECT = "projects/demo-project"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "orders",
        "projects/demo-project/subscriptions/orders",
        "projects//topics/orders",
        "projects/demo-project/topics/ab",
        "projects/demo-project/topics/1ab",
        "projects/demo-project/topics/a b",
        "projects/demo-project/topics/google-things",
        "projects/demo-project/topics/" + "x" * 256,
        "projects/short/topics/orders",
        "projects/Demo-project/topics/orders",
        "projects/demo_project/topics/orders",
        "projects/demo-project-/topics/orders",
        "projects/1demo-project/topics/orders",
        "projects/" + "x" * 31 + "/topics/orders",
    ],
)
def test_a_bad_topic_name_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Invalid \[topics\] name"):
        bench.broker.create_topic(TopicConfig(name=name))


@pytest.mark.parametrize("name", ["abc", "x" * 255, "a-._~%+9"])
def test_a_good_topic_name_is_taken(bench: Bench, name: str) -> None:
    full = f"{PROJECT}/topics/{name}"
    assert bench.broker.create_topic(TopicConfig(name=full)).name == full


def test_twice_is_refused(bench: Bench) -> None:
    bench.subscribe()
    with pytest.raises(AlreadyExists, match="resource=orders"):
        bench.broker.create_topic(TopicConfig(name=TOPIC))
    with pytest.raises(AlreadyExists, match="resource=orders-sub"):
        bench.subscribe()


def test_what_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="resource=missing"):
        bench.broker.publish(f"{PROJECT}/topics/missing", [])
    with pytest.raises(NotFound, match="resource=missing"):
        bench.subscribe(topic=f"{PROJECT}/topics/missing")
    with pytest.raises(NotFound, match="resource=missing"):
        bench.broker.acknowledge(f"{PROJECT}/subscriptions/missing", [])


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"tags": {"a/b": "c"}}, "Topic.tags"),
        ({"ingestion_data_source_settings": {"aws_kinesis": {}}}, "Settings.aws_kinesis"),
    ],
)
def test_topic_settings_it_lacks_are_refused(
    bench: Bench, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unsupported, match=field):
        configs.read_topic(protos.Topic(name=TOPIC + "-2", **settings))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"kms_key_name": "k"}, "kms_key_name: k"),
        ({"message_storage_policy": {}}, "allowed_persistence_regions"),
        ({"schema_settings": {"schema": "s"}}, "the encoding is JSON or BINARY"),
    ],
)
def test_topic_settings_that_break_a_rule(bench: Bench, settings: dict[str, Any], why: str) -> None:
    config = configs.read_topic(protos.Topic(name=TOPIC + "-2", **settings))
    with pytest.raises(InvalidArgument, match=why):
        bench.broker.create_topic(config)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"bigquery_config": {"table": "p.d.t"}}, "a subscription into bigquery"),
        ({"cloud_storage_config": {"bucket": "a-bucket"}}, "a subscription into storage"),
        ({"bigtable_config": {"table": "t"}}, "Subscription.bigtable_config"),
        ({"message_transforms": [{"ai_inference": {}}]}, "MessageTransform.ai_inference"),
        ({"push_config": {"attributes": {"x-goog-version": "v1beta1"}}}, "x-goog-version"),
    ],
)
def test_subscription_settings_it_lacks_are_refused(
    bench: Bench, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(Unsupported, match=field):
        bench.subscribe(**settings)
    assert not bench.broker.subscriptions


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"ack_deadline_seconds": 9}, "9"),
        ({"ack_deadline_seconds": 601}, "601"),
        ({"expiration_policy": {"ttl": {"seconds": 86399}}}, "ttl=86399s"),
        ({"push_config": {"oidc_token": {"audience": "a"}}}, "service_account_email="),
        ({"message_retention_duration": {"seconds": 599}}, "599"),
        ({"message_retention_duration": {"seconds": 31 * 86400 + 1}}, "2678401"),
        ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, "601"),
        ({"push_config": {"push_endpoint": "ftp://x"}}, "ftp://x"),
        ({"push_config": {"push_endpoint": "http:///x"}}, "http:///x"),
        ({"push_config": {"push_endpoint": "http://x:70000"}}, "http://x:70000"),
        ({"push_config": {"push_endpoint": "http://x/ y"}}, "http://x/ y"),
        ({"filter": "nonsense"}, "nonsense"),
    ],
)
def test_values_out_of_range_are_named(bench: Bench, settings: dict[str, Any], value: str) -> None:
    with pytest.raises(InvalidArgument, match=value):
        bench.subscribe(**settings)


def test_defaults_are_filled_in(bench: Bench) -> None:
    config = bench.subscribe(retry_policy={}).config
    assert config.ack_deadline_seconds == 10
    assert config.message_retention_duration == Duration(7 * 24 * 3600)
    assert config.retry_policy == RetryPolicy(Duration(10), Duration(600))


def update(bench: Bench, *paths: str, **settings: Any) -> Any:
    request = protos.UpdateSubscriptionRequest(
        subscription={"name": SUBSCRIPTION} | settings, update_mask={"paths": paths}
    )
    return call(bench.broker, "UpdateSubscription", request)


def test_an_update_changes_what_its_mask_names_and_no_more(bench: Bench) -> None:
    bench.subscribe(labels={"a": "1"}, ack_deadline_seconds=20)
    changed = update(bench, "labels", labels={"b": "2"}, ack_deadline_seconds=30)
    assert dict(changed.labels) == {"b": "2"}
    assert changed.ack_deadline_seconds == 20


def test_an_update_can_clear_a_field(bench: Bench) -> None:
    bench.subscribe(retry_policy={})
    assert not update(bench, "retry_policy").HasField("retry_policy")


@pytest.mark.parametrize("path", ["filter", "topic", "name", "enable_message_ordering"])
def test_what_is_fixed_cannot_be_updated(bench: Bench, path: str) -> None:
    bench.subscribe()
    with pytest.raises(InvalidArgument, match=path):
        update(bench, path)


def test_an_update_without_a_mask_or_with_an_unknown_field_is_refused(bench: Bench) -> None:
    bench.subscribe()
    with pytest.raises(InvalidArgument, match="update_mask"):
        update(bench)
    with pytest.raises(InvalidArgument, match="nonsense"):
        update(bench, "nonsense")
    with pytest.raises(Unsupported, match="bigtable_config"):
        update(bench, "bigtable_config", bigtable_config={"table": "t"})
    with pytest.raises(Unsupported, match="a subscription into bigquery"):
        update(bench, "bigquery_config", bigquery_config={"table": "p.d.t"})
    with pytest.raises(InvalidArgument, match="nonsense"):
        update(bench, "retry_policy.nonsense")


def test_an_update_that_is_refused_changes_nothing(bench: Bench) -> None:
    bench.subscribe(ack_deadline_seconds=20)
    with pytest.raises(InvalidArgument, match="5"):
        update(bench, "ack_deadline_seconds", ack_deadline_seconds=5)
    assert bench.broker.subscription(SUBSCRIPTION).config.ack_deadline_seconds == 20


def test_a_topic_made_again_does_not_get_its_old_subscriptions_back(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.broker.delete_topic(TOPIC)
    bench.broker.create_topic(TopicConfig(name=TOPIC))
    bench.publish("a")
    assert subscription.config.topic == "_deleted-topic_"
    assert not subscription.unacked


def message(**fields: Any) -> Any:
    return protos.PubsubMessage(**fields)


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "no messages"),
        ([message(data=b"x"), message()], r"messages\[1\] is empty"),
        ([message(data=b"x" * 10_000_000)], "bytes, more than 10000000"),
        ([message(data=b"x")] * 1001, "1001 messages"),
        ([message(data=b"x", attributes={"k": "v" * 1025})], r"attributes\[k\]"),
        ([message(data=b"x", attributes={"k" * 257: "v"})], "attribute key"),
        ([message(data=b"x", attributes={"googclient": "v"})], "googclient"),
        ([message(data=b"x", attributes={str(n): "v" for n in range(101)})], "101 attributes"),
        ([message(data=b"x", ordering_key="k" * 1025)], "ordering_key"),
    ],
)
def test_a_bad_publish_is_refused_whole(bench: Bench, messages: list[Any], why: str) -> None:
    subscription = bench.subscribe()
    with pytest.raises(InvalidArgument, match=why):
        bench.broker.publish(TOPIC, drafts(*messages))
    assert not subscription.unacked


def test_a_publisher_cannot_choose_id_or_time(bench: Bench) -> None:
    subscription = bench.subscribe()
    forged = message(data=b"x", message_id="7", publish_time={"seconds": 1, "nanos": 5})
    [message_id] = bench.broker.publish(TOPIC, drafts(forged))
    [entry] = subscription.lease(bench.clock(), 1, 1000)
    assert read(entry).message_id == message_id != "7"
    assert read(entry).publish_time.ToSeconds() == int(bench.clock())


def test_pages_walk_through_all_names() -> None:
    names = ["c", "a", "b"]
    assert page(names, 2, "") == (["a", "b"], "b")
    assert page(names, 2, "b") == (["c"], "")
    assert page(names, 3, "") == (["a", "b", "c"], "")
    with pytest.raises(InvalidArgument, match="-1"):
        page(names, -1, "")


@pytest.mark.parametrize(
    "project", ["abcdef", "x" * 30, "p-1-2-3", "example.com:project", "123456789012"]
)
def test_a_good_project_is_taken(bench: Bench, project: str) -> None:
    name = f"projects/{project}/topics/orders"
    assert bench.broker.create_topic(TopicConfig(name=name)).name == name


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ({"": "v"}, "''"),
        ({"1a": "v"}, "'1a'"),
        ({"Team": "v"}, "'Team'"),
        ({"a b": "v"}, "'a b'"),
        ({"-a": "v"}, "'-a'"),
        ({"goog-a": "v"}, "'goog-a'"),
        ({"k" * 64: "v"}, "kkkk"),
        ({"team": "V"}, "'V'"),
        ({"team": "a.b"}, "'a.b'"),
        ({"team": "v" * 64}, "team: 'vvv"),
        ({f"k{number}": "" for number in range(65)}, "65 labels"),
    ],
)
def test_a_bad_label_is_refused(bench: Bench, labels: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        bench.broker.create_topic(TopicConfig(name=f"{PROJECT}/topics/new", labels=labels))
    with pytest.raises(InvalidArgument, match=named):
        bench.subscribe(labels=labels)


def test_good_labels_are_kept(bench: Bench) -> None:
    labels = {"k" * 63: "v" * 63, "a_1-b": "", "équipe": "données_1"}
    labels |= {f"k{number}": "9-" for number in range(61)}
    assert dict(bench.subscribe(labels=labels).config.labels) == labels


@pytest.mark.parametrize("answer", ["ack", "nack"])
def test_an_answer_to_no_message_is_refused(bench: Bench, answer: str) -> None:
    subscription = bench.subscribe()
    with pytest.raises(InvalidArgument, match="argument=ack_ids"):
        getattr(bench, answer)(subscription)
