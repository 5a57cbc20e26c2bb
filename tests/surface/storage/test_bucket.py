"""storage.Bucket: each public name, used as its documentation uses it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage import Bucket
from google.cloud.storage.constants import STANDARD_STORAGE_CLASS

from tests.surface.introspect import covers
from tests.surface.storage.signing import signer

REFUSED = "not supported by the emulator"


@covers(Bucket, "create", "exists", "delete", "reload", "client", "path", "path_helper")
def test_a_bucket_lives(client: storage.Client) -> None:
    made = client.bucket("bucket-that-lives")
    assert not made.exists()
    made.create()
    assert made.exists()
    assert (made.client, made.path) == (client, "/b/bucket-that-lives")
    assert Bucket.path_helper("x") == "/b/x"
    made.blob("a").upload_from_string("x")
    with pytest.raises(Conflict, match="not empty"):
        made.delete()
    made.delete(force=True)
    assert not made.exists()
    with pytest.raises(NotFound):
        made.reload()


@covers(Bucket, "id", "self_link", "etag", "metageneration", "project_number", "owner")
@covers(Bucket, "time_created", "updated", "location", "location_type", "storage_class", "rpo")
@covers(Bucket, "generation", "data_locations", "user_project", "STORAGE_CLASSES")
def test_what_a_bucket_says_of_itself(bucket: storage.Bucket, endpoint: str) -> None:
    bucket.reload()
    assert bucket.id == bucket.name
    assert bucket.self_link == f"{endpoint}/storage/v1/b/{bucket.name}"
    assert bucket.etag
    assert (bucket.metageneration, bucket.project_number) == (1, 0)
    now = datetime.now(UTC)
    assert now - timedelta(minutes=5) < bucket.time_created <= bucket.updated < now
    assert (bucket.location, bucket.location_type) == ("US", "multi-region")
    assert bucket.storage_class == STANDARD_STORAGE_CLASS
    assert bucket.storage_class in bucket.STORAGE_CLASSES
    assert bucket.rpo == "DEFAULT"
    # Of other kinds of buckets, or of those that are gone.
    assert [bucket.owner, bucket.generation, bucket.data_locations] == [None] * 3
    assert bucket.user_project is None


@covers(Bucket, "labels", "patch", "update", "default_event_based_hold", "requester_pays")
def test_fields_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.labels = {"team": "data", "env": "dev"}
    bucket.requester_pays = True
    bucket.patch()
    labels = bucket.labels
    del labels["team"]
    bucket.labels = labels
    bucket.patch()
    found = client.get_bucket(bucket.name)
    assert (found.labels, found.requester_pays) == ({"env": "dev"}, True)
    assert (found.metageneration, bucket.metageneration) == (3, 3)
    with pytest.raises(PreconditionFailed):
        bucket.patch(if_metageneration_match=2)
    bucket.default_event_based_hold = True
    bucket.update()
    found = client.get_bucket(bucket.name)
    assert found.default_event_based_hold
    held = found.blob("held")
    held.upload_from_string("x")
    assert held.event_based_hold


@covers(Bucket, "lifecycle_rules", "clear_lifecycle_rules", "clear_lifecyle_rules")
@covers(Bucket, "add_lifecycle_delete_rule", "add_lifecycle_set_storage_class_rule")
@covers(Bucket, "add_lifecycle_abort_incomplete_multipart_upload_rule")
def test_lifecycle_rules_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.add_lifecycle_delete_rule(age=2)
    bucket.add_lifecycle_set_storage_class_rule("COLDLINE", age=1)
    bucket.add_lifecycle_abort_incomplete_multipart_upload_rule(age=3)
    bucket.patch()
    rules = list(client.get_bucket(bucket.name).lifecycle_rules)
    assert [rule["action"]["type"] for rule in rules] == [
        "Delete",
        "SetStorageClass",
        "AbortIncompleteMultipartUpload",
    ]
    bucket.clear_lifecycle_rules()
    bucket.patch()
    assert list(client.get_bucket(bucket.name).lifecycle_rules) == []
    bucket.add_lifecycle_delete_rule(age=2)
    bucket.clear_lifecyle_rules()
    assert list(bucket.lifecycle_rules) == []


@covers(Bucket, "cors", "configure_website", "disable_website")
@covers(Bucket, "enable_logging", "get_logging", "disable_logging")
def test_settings_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.cors = [{"origin": ["*"], "method": ["GET"], "maxAgeSeconds": 60}]
    bucket.configure_website("index.html", "404.html")
    bucket.enable_logging("other-bucket", object_prefix="log")
    bucket.patch()
    found = client.get_bucket(bucket.name)
    assert found.cors == [{"origin": ["*"], "method": ["GET"], "maxAgeSeconds": 60}]
    assert found._properties["website"] == {
        "mainPageSuffix": "index.html",
        "notFoundPage": "404.html",
    }
    assert found.get_logging() == {"logBucket": "other-bucket", "logObjectPrefix": "log"}
    bucket.disable_website()
    bucket.disable_logging()
    bucket.patch()
    found = client.get_bucket(bucket.name)
    assert found.get_logging() is None
    assert not any((found._properties.get("website") or {}).values())


@covers(Bucket, "autoclass_enabled", "autoclass_terminal_storage_class", "autoclass_toggle_time")
@covers(Bucket, "autoclass_terminal_storage_class_update_time", "iam_configuration")
@covers(Bucket, "soft_delete_policy", "soft_delete_time", "hard_delete_time")
def test_policies_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.autoclass_enabled = True
    bucket.autoclass_terminal_storage_class = "ARCHIVE"
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    bucket.iam_configuration.public_access_prevention = "enforced"
    bucket.patch()
    found = client.get_bucket(bucket.name)
    assert found.autoclass_enabled
    assert found.autoclass_terminal_storage_class == "ARCHIVE"
    assert found.iam_configuration.uniform_bucket_level_access_enabled
    assert found.iam_configuration.public_access_prevention == "enforced"
    now = datetime.now(UTC)
    assert now - timedelta(minutes=5) < found.autoclass_toggle_time < now
    assert found.autoclass_terminal_storage_class_update_time < now
    with pytest.raises(BadRequest, match="uniform bucket-level access"):
        found.acl.reload()
    found.iam_configuration.public_access_prevention = "sometimes"
    with pytest.raises(BadRequest, match="publicAccessPrevention: 'sometimes'"):
        found.patch()
    assert found.soft_delete_policy.retention_duration_seconds is None
    assert (found.soft_delete_time, found.hard_delete_time) == (None, None)


@covers(Bucket, "versioning_enabled", "default_kms_key_name", "encryption", "ip_filter")
@covers(Bucket, "retention_period", "retention_policy_locked", "retention_policy_effective_time")
@covers(Bucket, "lock_retention_policy", "hierarchical_namespace_enabled", "object_retention_mode")
def test_what_would_have_to_be_enforced_is_refused(
    client: storage.Client, bucket: storage.Bucket
) -> None:
    assert not bucket.versioning_enabled
    bucket.versioning_enabled = True
    with pytest.raises(BadRequest, match=f"{REFUSED}: object versioning"):
        bucket.patch()
    bucket = client.get_bucket(bucket.name)
    assert bucket.default_kms_key_name is None
    assert bucket.encryption.default_kms_key_name is None
    bucket.default_kms_key_name = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    with pytest.raises(BadRequest, match=f"{REFUSED}: encryption of a bucket"):
        bucket.patch()
    bucket = client.get_bucket(bucket.name)
    assert bucket.retention_period is None
    assert not bucket.retention_policy_locked
    assert bucket.retention_policy_effective_time is None
    bucket.retention_period = 60
    with pytest.raises(BadRequest, match=f"{REFUSED}: retentionPolicy of a bucket"):
        bucket.patch()
    with pytest.raises(BadRequest, match=f"{REFUSED}: retention policies"):
        bucket.lock_retention_policy()
    bucket = client.get_bucket(bucket.name)
    bucket.ip_filter = {"mode": "Enabled", "publicNetworkSource": {"allowedIpCidrRanges": []}}
    with pytest.raises(BadRequest, match=f"{REFUSED}: ipFilter of a bucket"):
        bucket.patch()
    other = client.bucket("bucket-with-folders")
    assert not other.hierarchical_namespace_enabled
    other.hierarchical_namespace_enabled = True
    with pytest.raises(BadRequest, match=f"{REFUSED}: hierarchical namespace"):
        other.create()
    assert client.get_bucket(bucket.name).object_retention_mode is None
    with pytest.raises(BadRequest, match=f"{REFUSED}: object retention"):
        client.bucket("bucket-with-retention").create(enable_object_retention=True)


@covers(Bucket, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
def test_a_policy_is_kept(bucket: storage.Bucket) -> None:
    policy = bucket.get_iam_policy(requested_policy_version=3)
    assert policy.bindings == []
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    bucket.set_iam_policy(policy)
    (binding,) = bucket.get_iam_policy().bindings
    assert (binding["role"], set(binding["members"])) == (
        "roles/storage.objectViewer",
        {"allUsers"},
    )
    with pytest.raises(Conflict, match="etag"):
        bucket.set_iam_policy(policy)
    asked = ["storage.buckets.get", "storage.objects.create"]
    assert bucket.test_iam_permissions(asked) == asked


@covers(Bucket, "acl", "default_object_acl", "make_public", "make_private")
def test_lists_are_kept(bucket: storage.Bucket) -> None:
    bucket.acl.user("someone@example.com").grant_read()
    bucket.acl.save()
    assert "READER" in bucket.acl.user("someone@example.com").get_roles()
    bucket.acl.reload()
    assert {"entity": "user-someone@example.com", "role": "READER"} in list(bucket.acl)
    bucket.default_object_acl.all().grant_read()
    bucket.default_object_acl.save()
    bucket.default_object_acl.reload()
    assert "READER" in bucket.default_object_acl.all().get_roles()
    blob = bucket.blob("a")
    blob.upload_from_string("x")
    bucket.make_public(recursive=True, future=True)
    bucket.acl.reload()
    assert "READER" in bucket.acl.all().get_roles()
    blob.acl.reload()
    assert "READER" in blob.acl.all().get_roles()
    bucket.make_private(recursive=True, future=True)
    bucket.acl.reload()
    assert "READER" not in bucket.acl.all().get_roles()


def test_public_access_is_prevented(bucket: storage.Bucket) -> None:
    bucket.iam_configuration.public_access_prevention = "enforced"
    bucket.patch()
    assert bucket.iam_configuration.uniform_bucket_level_access_enabled is False
    blob = bucket.blob("a")
    blob.upload_from_string("x")
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    for makes_public in (
        bucket.make_public,
        blob.make_public,
        lambda: bucket.set_iam_policy(policy),
        lambda: blob.upload_from_string("x", predefined_acl="publicRead"),
    ):
        with pytest.raises(PreconditionFailed, match="public access prevention is enforced"):
            makes_public()
    assert blob.download_as_bytes() == b"x"


@covers(Bucket, "blob", "get_blob", "list_blobs", "delete_blob", "delete_blobs")
def test_blobs_come_and_go(bucket: storage.Bucket) -> None:
    for name in "abcd":
        bucket.blob(name).upload_from_string(name)
    found = bucket.get_blob("a")
    assert (found.size, found.generation > 0) == (1, True)
    assert bucket.get_blob("z") is None
    assert [blob.name for blob in bucket.list_blobs(prefix="b")] == ["b"]
    with pytest.raises(PreconditionFailed):
        bucket.delete_blob("a", if_generation_match=1)
    with pytest.raises(NotFound):
        bucket.delete_blob("a", generation=1)
    bucket.delete_blob("a", generation=found.generation)
    with pytest.raises(NotFound, match=f"No such object: {bucket.name}/a"):
        bucket.delete_blob("a")
    gone: list[Any] = []
    bucket.delete_blobs(["b", "z"], on_error=gone.append)
    assert gone == ["z"]
    assert [blob.name for blob in bucket.list_blobs()] == ["c", "d"]


@covers(Bucket, "copy_blob", "rename_blob", "move_blob")
def test_blobs_are_copied_and_moved(bucket: storage.Bucket, client: storage.Client) -> None:
    blob = bucket.blob("a")
    blob.metadata, blob.cache_control = {"k": "v"}, "no-store"
    blob.upload_from_string("content", content_type="text/x")
    blob.temporary_hold = False
    blob.patch()
    copied = bucket.copy_blob(blob, bucket, "b/copied")
    copied.reload()
    assert (copied.metadata, copied.cache_control) == ({"k": "v"}, "no-store")
    assert (copied.content_type, copied.metageneration) == ("text/x", 1)
    assert copied.download_as_bytes() == b"content"
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(blob, bucket, "b/copied", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(blob, bucket, "c", if_source_generation_match=1)
    with pytest.raises(NotFound, match="no-such-bucket"):
        bucket.copy_blob(blob, client.bucket("no-such-bucket"), "c")
    moved = bucket.rename_blob(copied, "c")
    assert moved.download_as_bytes() == b"content"
    moved = bucket.move_blob(moved, "d")
    assert moved.download_as_bytes() == b"content"
    assert [each.name for each in bucket.list_blobs()] == ["a", "d"]


@covers(Bucket, "restore_blob")
def test_soft_delete_is_refused(bucket: storage.Bucket) -> None:
    with pytest.raises(BadRequest, match=f"{REFUSED}: soft delete"):
        bucket.restore_blob("a", generation=1)


@covers(Bucket, "from_string", "from_uri")
def test_a_bucket_is_named_by_its_uri(client: storage.Client, bucket: storage.Bucket) -> None:
    assert Bucket.from_uri(f"gs://{bucket.name}", client=client).exists()
    with pytest.warns(PendingDeprecationWarning, match="from_uri"):
        assert Bucket.from_string(f"gs://{bucket.name}", client=client).exists()


@covers(Bucket, "generate_signed_url", "generate_upload_policy")
def test_a_bucket_signs(bucket: storage.Bucket, endpoint: str) -> None:
    url = bucket.generate_signed_url(
        expiration=timedelta(minutes=5),
        version="v4",
        credentials=signer(),
        api_access_endpoint=endpoint,
    )
    answer = httpx.get(url)
    assert answer.status_code == 400
    assert "not supported by the emulator: listing by the XML API" in answer.text
    signing = storage.Client(project="local-project", credentials=signer())
    policy = signing.bucket(bucket.name).generate_upload_policy([["eq", "$key", "a"]])
    assert policy["bucket"] == bucket.name
    signing.close()


@covers(Bucket, "notification", "get_notification", "list_notifications")
def test_changes_are_told_to_pubsub(bucket: storage.Bucket, pubsub_address: str) -> None:
    base = f"http://{pubsub_address}/v1/projects/local-project"
    httpx.put(f"{base}/topics/changes").raise_for_status()
    subscription = {"topic": "projects/local-project/topics/changes"}
    httpx.put(f"{base}/subscriptions/changes", json=subscription).raise_for_status()
    made = bucket.notification(
        topic_name="changes",
        topic_project="local-project",
        custom_attributes={"by": "surface"},
        blob_name_prefix="told/",
        payload_format="JSON_API_V1",
    )
    made.create()
    (listed,) = bucket.list_notifications()
    assert (listed.notification_id, listed.topic_name) == (made.notification_id, "changes")
    found = bucket.get_notification(made.notification_id)
    assert (found.blob_name_prefix, found.payload_format) == ("told/", "JSON_API_V1")

    bucket.blob("silent").upload_from_string("x")
    blob = bucket.blob("told/a")
    blob.upload_from_string("one")
    first = blob.generation
    blob.metadata = {"k": "v"}
    blob.patch()
    blob.upload_from_string("two")
    blob.delete()
    told = _pulled(f"{base}/subscriptions/changes", 5)
    assert [attributes["eventType"] for attributes, _ in told] == [
        "OBJECT_FINALIZE",
        "OBJECT_METADATA_UPDATE",
        "OBJECT_DELETE",
        "OBJECT_FINALIZE",
        "OBJECT_DELETE",
    ]
    attributes, payload = told[0]
    assert payload["md5Hash"]
    assert attributes.pop("eventTime") <= datetime.now(UTC).isoformat()
    assert attributes == {
        "by": "surface",
        "notificationConfig": (
            f"projects/_/buckets/{bucket.name}/notificationConfigs/{made.notification_id}"
        ),
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": bucket.name,
        "objectId": "told/a",
        "objectGeneration": str(first),
    }
    assert told[2][0]["overwrittenByGeneration"] == told[3][0]["objectGeneration"]
    assert told[3][0]["overwroteGeneration"] == str(first)
    found.delete()
    assert list(bucket.list_notifications()) == []
    with pytest.raises(NotFound, match="No such notification"):
        bucket.get_notification(made.notification_id)


def _pulled(subscription: str, count: int) -> list[tuple[dict[str, str], dict[str, Any]]]:
    import base64

    told: list[tuple[dict[str, str], dict[str, Any]]] = []
    deadline = time.monotonic() + 20
    while len(told) < count:
        assert time.monotonic() < deadline, told
        answer = httpx.post(f"{subscription}:pull", json={"maxMessages": 10}, timeout=30)
        for each in answer.json().get("receivedMessages", []):
            message = each["message"]
            told.append((message["attributes"], json.loads(base64.b64decode(message["data"]))))
            acked = {"ackIds": [each["ackId"]]}
            httpx.post(f"{subscription}:acknowledge", json=acked).raise_for_status()
    return told
