"""storage.Client: each public name, used as its documentation uses it."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path

import httpx
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage import Client

from tests.surface.introspect import covers
from tests.surface.storage.signing import account, signer


@covers(Client, "create_bucket", "get_bucket", "lookup_bucket", "bucket", "list_buckets")
def test_buckets_are_made_and_found(client: storage.Client) -> None:
    name = f"client-{uuid.uuid4().hex[:12]}"
    assert client.lookup_bucket(name) is None
    with pytest.raises(NotFound, match="does not exist"):
        client.get_bucket(name)
    client.create_bucket(name, location="europe-west1")
    found = client.get_bucket(name)
    assert (found.name, found.location, found.location_type) == (name, "EUROPE-WEST1", "region")
    assert client.bucket(name).exists()
    assert client.lookup_bucket(client.bucket(name)).name == name
    with pytest.raises(Conflict, match="exists already"):
        client.create_bucket(name)
    client.create_bucket(name + "-2")
    assert [each.name for each in client.list_buckets(prefix=name)] == [name, name + "-2"]
    pages = client.list_buckets(prefix=name, page_size=1).pages
    assert [[each.name for each in page] for page in pages] == [[name], [name + "-2"]]


@covers(Client, "list_blobs")
def test_blobs_are_listed(client: storage.Client, bucket: storage.Bucket) -> None:
    for name in ("a", "b/1", "b/2", "b/c/3", "b-0"):
        bucket.blob(name).upload_from_string(name)
    names = [blob.name for blob in client.list_blobs(bucket)]
    assert names == sorted(names, key=str.encode) == ["a", "b-0", "b/1", "b/2", "b/c/3"]
    found = client.list_blobs(bucket.name, prefix="b/", delimiter="/")
    assert [blob.name for blob in found] == ["b/1", "b/2"]
    assert found.prefixes == {"b/c/"}
    page = next(client.list_blobs(bucket, page_size=2).pages)
    assert [blob.name for blob in page] == ["a", "b-0"]
    paged = [blob.name for page in client.list_blobs(bucket, page_size=2).pages for blob in page]
    assert paged == names
    assert [b.name for b in client.list_blobs(bucket, max_results=3)] == names[:3]
    between = client.list_blobs(bucket, start_offset="b-0", end_offset="b/2")
    assert [blob.name for blob in between] == ["b-0", "b/1"]
    assert [blob.name for blob in client.list_blobs(bucket, match_glob="b/*")] == ["b/1", "b/2"]
    with pytest.raises(BadRequest, match="not supported by the emulator: delimiter beside"):
        list(client.list_blobs(bucket, match_glob="b/*", delimiter="/"))
    with pytest.raises(BadRequest, match="not supported by the emulator: soft delete"):
        list(client.list_blobs(bucket, soft_deleted=True))
    with pytest.raises(NotFound):
        list(client.list_blobs("no-such-bucket-here"))


@covers(Client, "download_blob_to_file")
def test_a_blob_is_read_into_a_file(client: storage.Client, blob: storage.Blob) -> None:
    for which in (blob, f"gs://{blob.bucket.name}/{blob.name}"):
        file = io.BytesIO()
        client.download_blob_to_file(which, file)
        assert file.getvalue() == b"hello"


@covers(Client, "batch", "current_batch")
def test_a_batch_is_one_request(client: storage.Client, bucket: storage.Bucket) -> None:
    blobs = [bucket.blob(f"part-{number}") for number in range(3)]
    for blob in blobs:
        blob.upload_from_string(blob.name)
    with client.batch() as batch:
        assert client.current_batch is batch
        blobs[0].metadata = {"k": "v"}
        blobs[0].patch()
        bucket.delete_blob("part-1")
        bucket.blob("part-2").delete()
    assert client.current_batch is None
    assert blobs[0].metadata == {"k": "v"}
    assert [each.name for each in bucket.list_blobs()] == ["part-0"]
    with client.batch(raise_exception=False) as batch:
        bucket.delete_blob("part-9")
        bucket.delete_blob("part-0")
    assert [answer.status_code for answer in batch._responses] == [404, 204]
    with pytest.raises(NotFound, match="part-9"), client.batch():
        bucket.delete_blob("part-9")


@covers(Client, "create_anonymous_client", "close", "update_user_agent", "SCOPE")
def test_a_client_is_made_and_closed() -> None:
    made = storage.Client.create_anonymous_client()
    made.update_user_agent("surface/1")
    assert "surface/1" in made._connection.user_agent
    made.close()
    assert "https://www.googleapis.com/auth/devstorage.read_write" in storage.Client.SCOPE


@covers(Client, "from_service_account_info", "from_service_account_json")
def test_a_client_is_made_for_an_account(tmp_path: Path) -> None:
    made = storage.Client.from_service_account_info(account())
    file = tmp_path / "account.json"
    file.write_text(json.dumps(account()))
    other = storage.Client.from_service_account_json(str(file))
    assert made.project == other.project == account()["project_id"]
    made.close()
    other.close()


@covers(Client, "api_endpoint", "universe_domain")
def test_a_client_knows_where_it_leads(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
    made = storage.Client(project="local-project", credentials=AnonymousCredentials())
    assert made.api_endpoint == endpoint
    assert made.universe_domain == "googleapis.com"
    assert isinstance(list(made.list_buckets()), list)
    made.close()


@covers(Client, "get_service_account_email")
def test_cloud_storage_has_an_account(client: storage.Client) -> None:
    email = client.get_service_account_email()
    assert email == "service-local-project@gs-project-accounts.iam.gserviceaccount.com"


@covers(Client, "create_hmac_key", "get_hmac_key_metadata", "list_hmac_keys")
def test_hmac_keys_are_refused(client: storage.Client) -> None:
    with pytest.raises(BadRequest, match="not supported by the emulator: HMAC keys"):
        client.create_hmac_key("someone@example.com")
    with pytest.raises(BadRequest, match="not supported by the emulator: HMAC keys"):
        client.get_hmac_key_metadata("GOOG1ABC")
    with pytest.raises(BadRequest, match="not supported by the emulator: HMAC keys"):
        list(client.list_hmac_keys())


@covers(Client, "restore_bucket")
def test_soft_delete_is_refused(client: storage.Client, bucket: storage.Bucket) -> None:
    with pytest.raises(BadRequest, match="not supported by the emulator: soft delete"):
        client.restore_bucket(bucket.name, generation=1)


@covers(Client, "generate_signed_post_policy_v4")
def test_a_form_upload_is_refused(
    client: storage.Client, bucket: storage.Bucket, endpoint: str
) -> None:
    from datetime import timedelta

    policy = client.generate_signed_post_policy_v4(
        bucket.name, "file", timedelta(minutes=5), credentials=signer()
    )
    assert policy["fields"]["key"] == "file"
    answer = httpx.post(
        f"{endpoint}/{bucket.name}", data=policy["fields"], files={"file": b"content"}
    )
    assert answer.status_code == 400
    assert "not supported by the emulator: form uploads" in answer.text
