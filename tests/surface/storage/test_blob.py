"""storage.Blob: each public name, used as its documentation uses it."""

from __future__ import annotations

import gzip
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from google.api_core.exceptions import BadRequest, Forbidden, NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage import Blob

from tests.surface.introspect import covers
from tests.surface.storage.signing import signer

REFUSED = "not supported by the emulator"
CHUNK = 256 * 1024
CONTENTS = {
    "empty": b"",
    "a byte": b"\0",
    "text": "größe\r\n日本\n".encode(),
    "a boundary": b"\r\n--===============\r\n\r\n--",
    "one chunk": os.urandom(CHUNK),
    "chunks": os.urandom(3 * CHUNK + 17),
}


@covers(Blob, "download_as_bytes", "download_as_string", "download_to_file", "open")
@covers(Blob, "download_to_filename", "chunk_size", "media_link")
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.filterwarnings("ignore:Blob.download_as_string:PendingDeprecationWarning")
def test_all_ways_to_read_give_the_same(
    content: bytes, bucket: storage.Bucket, tmp_path: Path
) -> None:
    bucket.blob("file").upload_from_string(content)
    blob = bucket.get_blob("file")
    file, path = io.BytesIO(), tmp_path / "file"
    blob.download_to_file(file)
    blob.download_to_filename(str(path))
    with blob.open("rb") as opened:
        through_open = opened.read()
    chunked = bucket.blob("file", chunk_size=CHUNK)
    assert chunked.chunk_size == CHUNK
    in_chunks = io.BytesIO()
    chunked.download_to_file(in_chunks)
    read = [
        blob.download_as_bytes(),
        blob.download_as_string(),
        file.getvalue(),
        path.read_bytes(),
        through_open,
        in_chunks.getvalue(),
        httpx.get(blob.media_link).content,
        bucket.blob("file").download_as_bytes(raw_download=True),
    ]
    assert all(each == content for each in read)
    for start, end in ((0, 0), (1, 5), (CHUNK - 1, CHUNK + 1)):
        if end < len(content):
            part = blob.download_as_bytes(start=start, end=end)
            assert part == content[start : end + 1]


@covers(Blob, "upload_from_file", "upload_from_filename", "upload_from_string")
@covers(Blob, "create_resumable_upload_session", "size")
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_all_ways_to_write_store_the_same(
    content: bytes, bucket: storage.Bucket, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    bucket.blob("string").upload_from_string(content)
    bucket.blob("file").upload_from_file(io.BytesIO(content))
    bucket.blob("chunks", chunk_size=CHUNK).upload_from_file(io.BytesIO(content))
    bucket.blob("filename").upload_from_filename(str(path))
    with bucket.blob("open", chunk_size=CHUNK).open("wb", ignore_flush=True) as writer:
        writer.write(content)
    url = bucket.blob("session").create_resumable_upload_session(content_type="text/x")
    httpx.put(url, content=content).raise_for_status()
    signed = bucket.blob("signed").generate_signed_url(
        expiration=timedelta(minutes=5),
        version="v4",
        method="PUT",
        credentials=signer(),
        api_access_endpoint=bucket.client.api_endpoint,
    )
    httpx.put(signed, content=content).raise_for_status()
    blobs = list(bucket.list_blobs())
    assert len(blobs) == 7
    assert {(blob.md5_hash, blob.crc32c, blob.size) for blob in blobs} == {
        (blobs[0].md5_hash, blobs[0].crc32c, len(content))
    }
    assert all(blob.download_as_bytes() == content for blob in blobs)


@covers(Blob, "download_as_text")
def test_text_is_decoded(bucket: storage.Bucket) -> None:
    blob = bucket.blob("text")
    blob.upload_from_string("größe", content_type="text/plain; charset=utf-8")
    assert blob.download_as_text() == "größe"
    with bucket.blob("text").open("r", encoding="utf-8") as opened:
        assert opened.read() == "größe"


@covers(Blob, "content_encoding")
def test_gzip_is_unpacked_for_who_does_not_know_it(bucket: storage.Bucket) -> None:
    blob = bucket.blob("packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(b"content"), content_type="text/plain")
    assert blob.download_as_bytes() == b"content"
    assert gzip.decompress(blob.download_as_bytes(raw_download=True)) == b"content"
    plain = httpx.get(blob.media_link, headers={"accept-encoding": "identity"})
    assert plain.content == b"content"
    blob.content_encoding = "br"
    with pytest.raises(BadRequest, match=f"{REFUSED}: a patch of contentEncoding"):
        blob.patch()


@covers(Blob, "bucket", "client", "path", "path_helper", "public_url", "user_project", "id")
@covers(Blob, "self_link", "etag", "generation", "metageneration", "time_created", "updated")
@covers(Blob, "finalized_time", "time_deleted", "owner", "component_count", "STORAGE_CLASSES")
@covers(Blob, "crc32c", "md5_hash", "content_type", "storage_class", "exists", "reload")
def test_what_a_blob_says_of_itself(
    blob: storage.Blob, bucket: storage.Bucket, client: storage.Client, endpoint: str
) -> None:
    assert blob.exists()
    assert not bucket.blob("other").exists()
    blob.reload()
    assert (blob.bucket, blob.client) == (bucket, client)
    assert blob.path == Blob.path_helper(bucket.path, blob.name)
    assert blob.public_url == f"{endpoint}/{bucket.name}/folder/file.txt"
    assert httpx.get(blob.public_url).content == b"hello"
    assert blob.id == f"{bucket.name}/{blob.name}/{blob.generation}"
    assert blob.self_link == f"{endpoint}/storage/v1/b/{bucket.name}/o/folder%2Ffile.txt"
    assert (blob.metageneration, blob.content_type) == (1, "text/plain")
    assert (blob.crc32c, blob.md5_hash) == ("mnG7TA==", "XUFAKrxLKna5cZ2REBfFkg==")
    now = datetime.now(UTC)
    assert now - timedelta(minutes=5) < blob.time_created <= blob.updated < now
    # The client asks for finalizedTime, where Cloud Storage says timeFinalized.
    assert blob.finalized_time is None
    assert blob._properties["timeFinalized"] == blob._properties["timeCreated"]
    assert blob.storage_class == "STANDARD"
    assert blob.storage_class in Blob.STORAGE_CLASSES
    assert blob.etag
    assert [blob.time_deleted, blob.owner, blob.component_count, blob.user_project] == [None] * 4


@covers(Blob, "metadata", "cache_control", "content_disposition", "content_language")
@covers(Blob, "custom_time", "contexts", "patch", "update")
def test_metadata_is_changed(blob: storage.Blob, bucket: storage.Bucket) -> None:
    generation, etag = blob.generation, blob.etag
    blob.metadata = {"a": "1", "b": "2"}
    blob.cache_control = "no-store"
    blob.content_disposition = 'attachment; filename="x"'
    blob.content_language = "de"
    blob.custom_time = datetime(2026, 1, 2, tzinfo=UTC)
    blob.patch()
    assert (blob.generation, blob.metageneration) == (generation, 2)
    assert blob.etag != etag
    found = bucket.get_blob(blob.name)
    assert found.metadata == {"a": "1", "b": "2"}
    assert (found.content_disposition, found.content_language) == ('attachment; filename="x"', "de")
    assert found.custom_time == datetime(2026, 1, 2, tzinfo=UTC)
    answer = httpx.get(found.media_link)
    assert answer.content == b"hello"
    sent = [answer.headers[name] for name in ("cache-control", "x-goog-meta-a", "content-language")]
    assert sent == ["no-store", "1", "de"]
    found.metadata = {"a": None, "c": "3"}
    found.patch(if_metageneration_match=2)
    assert bucket.get_blob(blob.name).metadata == {"b": "2", "c": "3"}
    with pytest.raises(PreconditionFailed):
        found.patch(if_metageneration_match=2)
    found.metadata = {"d": "4"}
    found.update()
    assert bucket.get_blob(blob.name).metadata == {"d": "4"}
    listed = next(iter(bucket.list_blobs()))
    assert (listed.metadata, listed.metageneration) == ({"d": "4"}, 4)
    found.contexts = {"custom": {"k": {"value": "v"}}}
    found.patch()
    assert bucket.get_blob(blob.name).contexts["custom"]["k"]["value"] == "v"
    blob.upload_from_string("new")
    fresh = bucket.get_blob(blob.name)
    assert (fresh.metageneration, fresh.generation != generation) == (1, True)


@covers(Blob, "temporary_hold", "event_based_hold", "delete")
def test_a_hold_holds(blob: storage.Blob) -> None:
    for hold in ("temporary_hold", "event_based_hold"):
        setattr(blob, hold, True)
        blob.patch()
        with pytest.raises(Forbidden, match="under active"):
            blob.delete()
        with pytest.raises(Forbidden, match="under active"):
            blob.upload_from_string("other")
        setattr(blob, hold, False)
        blob.patch()
    assert (blob.temporary_hold, blob.event_based_hold) == (False, False)
    blob.delete()
    with pytest.raises(NotFound):
        blob.delete()


def test_preconditions_hold(bucket: storage.Bucket) -> None:
    blob = bucket.blob("once")
    blob.upload_from_string("1", if_generation_match=0)
    for resumable in (False, True):
        again = bucket.blob("once", chunk_size=CHUNK if resumable else None)
        with pytest.raises(PreconditionFailed, match="ifGenerationMatch=0"):
            again.upload_from_string("2", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.download_as_bytes(if_generation_match=1)
    with pytest.raises(PreconditionFailed):
        blob.reload(if_metageneration_match=7)
    assert blob.download_as_bytes(if_generation_match=blob.generation) == b"1"
    assert bucket.blob("once", generation=blob.generation).download_as_bytes() == b"1"
    with pytest.raises(NotFound):
        bucket.blob("once", generation=1).download_as_bytes()


def test_a_checksum_that_is_wrong_stores_nothing(blob: storage.Blob) -> None:
    other = storage.Blob(blob.name, blob.bucket)
    other.md5_hash = "AAAAAAAAAAAAAAAAAAAAAA=="
    with pytest.raises(BadRequest, match="Invalid value for md5Hash"):
        other.upload_from_string("other", checksum=None)
    assert blob.download_as_bytes() == b"hello"


@covers(Blob, "compose")
def test_blobs_are_composed(bucket: storage.Bucket) -> None:
    parts = [bucket.blob(name) for name in ("a", "b")]
    for part in parts:
        part.upload_from_string(part.name * 3)
    whole = bucket.blob("whole")
    whole.content_type = "text/plain"
    whole.compose(parts, if_generation_match=0)
    assert whole.download_as_bytes() == b"aaabbb"
    whole.reload()
    assert (whole.component_count, whole.md5_hash, whole.size) == (2, None, 6)
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_generation_match=0)
    with pytest.raises(NotFound, match="/missing"):
        whole.compose([*parts, bucket.blob("missing")])


@covers(Blob, "rewrite", "update_storage_class")
def test_a_blob_is_rewritten(blob: storage.Blob, bucket: storage.Bucket) -> None:
    blob.metadata = {"k": "v"}
    blob.patch()
    target = bucket.blob("rewritten")
    assert target.rewrite(blob) == (None, 5, 5)
    target.reload()
    assert (target.metadata, target.content_type) == ({"k": "v"}, "text/plain")
    blob.update_storage_class("COLDLINE")
    found = bucket.get_blob(blob.name)
    assert (found.storage_class, found.metadata) == ("COLDLINE", {"k": "v"})
    assert found.download_as_bytes() == b"hello"
    assert found.storage_class == "COLDLINE"


@covers(Blob, "acl", "make_public", "make_private")
def test_a_list_is_kept(blob: storage.Blob) -> None:
    blob.make_public()
    blob.acl.reload()
    assert "READER" in blob.acl.all().get_roles()
    blob.acl.user("someone@example.com").grant_owner()
    blob.acl.save()
    blob.acl.reload()
    assert "OWNER" in blob.acl.user("someone@example.com").get_roles()
    blob.make_private()
    blob.acl.reload()
    assert "READER" not in blob.acl.all().get_roles()


@covers(Blob, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
def test_a_policy_of_an_object_is_refused(blob: storage.Blob) -> None:
    from google.api_core.iam import Policy

    with pytest.raises(BadRequest, match=f"{REFUSED}: IAM"):
        blob.get_iam_policy()
    with pytest.raises(BadRequest, match=f"{REFUSED}: IAM"):
        blob.set_iam_policy(Policy())
    with pytest.raises(BadRequest, match=f"{REFUSED}: IAM"):
        blob.test_iam_permissions(["storage.objects.get"])


@covers(Blob, "encryption_key", "kms_key_name", "retention", "retention_expiration_time")
@covers(Blob, "soft_delete_time", "hard_delete_time")
def test_what_would_have_to_be_enforced_is_refused(
    blob: storage.Blob, bucket: storage.Bucket
) -> None:
    secret = bucket.blob("secret", encryption_key=b"k" * 32)
    assert secret.encryption_key == b"k" * 32
    with pytest.raises(BadRequest, match=f"{REFUSED}: customer-supplied encryption keys"):
        secret.upload_from_string("x")
    key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    with pytest.raises(BadRequest, match=f"{REFUSED}: kmsKeyName"):
        bucket.blob("secret", kms_key_name=key).upload_from_string("x")
    assert (blob.kms_key_name, blob.retention_expiration_time) == (None, None)
    assert (blob.soft_delete_time, blob.hard_delete_time) == (None, None)
    blob.retention.mode = "Unlocked"
    blob.retention.retain_until_time = datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.raises(BadRequest, match=f"{REFUSED}: retention of an object"):
        blob.patch()


@covers(Blob, "from_string", "from_uri", "generate_signed_url")
def test_a_blob_is_named_and_signed(
    blob: storage.Blob, client: storage.Client, endpoint: str
) -> None:
    uri = f"gs://{blob.bucket.name}/{blob.name}"
    assert Blob.from_uri(uri, client=client).download_as_bytes() == b"hello"
    with pytest.warns(PendingDeprecationWarning, match="from_uri"):
        assert Blob.from_string(uri, client=client).exists()
    for version in ("v2", "v4"):
        url = blob.generate_signed_url(
            expiration=timedelta(minutes=5),
            version=version,
            credentials=signer(),
            api_access_endpoint=endpoint,
        )
        assert httpx.get(url).content == b"hello"
