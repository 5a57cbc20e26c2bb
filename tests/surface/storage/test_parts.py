"""Uploads in parts, as transfer_manager sends large files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from google.cloud import storage
from google.cloud.storage import transfer_manager

MIB = 1024 * 1024


@pytest.fixture
def http(bucket: storage.Bucket) -> Iterator[httpx.Client]:
    root = bucket.client._connection.API_BASE_URL
    with httpx.Client(base_url=f"{root}/{bucket.name}/") as made:
        yield made


def _begun(http: httpx.Client, name: str, **headers: str) -> str:
    answer = http.post(f"{name}?uploads", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text.partition("<UploadId>")[2].partition("<")[0]


def _part(http: httpx.Client, name: str, id_: str, number: int, content: bytes) -> str:
    answer = http.put(f"{name}?partNumber={number}&uploadId={id_}", content=content)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


def _complete(http: httpx.Client, name: str, id_: str, *parts: tuple[int, str]) -> httpx.Response:
    named = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in parts
    )
    body = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>"
    return http.post(f"{name}?uploadId={id_}", content=body)


def test_transfer_manager_sends_a_large_file(bucket: storage.Bucket, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(os.urandom(11 * MIB))
    blob = bucket.blob("large")
    blob.metadata = {"k": "v"}
    blob.content_language = "fr"
    blob.custom_time = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    transfer_manager.upload_chunks_concurrently(
        str(file), blob, chunk_size=5 * MIB, max_workers=2, worker_type=transfer_manager.THREAD
    )
    found = bucket.get_blob("large")
    assert found.download_as_bytes() == file.read_bytes()
    assert (found.metadata, found.content_language) == ({"k": "v"}, "fr")
    assert found.custom_time == blob.custom_time
    assert found.md5_hash is None
    assert found.crc32c


def test_parts_come_in_any_order_and_again(http: httpx.Client, bucket: storage.Bucket) -> None:
    id_ = _begun(http, "a/b", **{"content-type": "text/plain"})
    last = _part(http, "a/b", id_, 7, b"end")
    _part(http, "a/b", id_, 2, b"wrong")
    first = _part(http, "a/b", id_, 2, b"x" * 5 * MIB)
    assert first == f'"{hashlib.md5(b"x" * 5 * MIB).hexdigest()}"'
    assert not bucket.blob("a/b").exists()
    answer = _complete(http, "a/b", id_, (2, first), (7, last))
    assert answer.status_code == 200, answer.text
    found = bucket.get_blob("a/b")
    assert (found.size, found.content_type) == (5 * MIB + 3, "text/plain")
    assert answer.headers["x-goog-generation"] == str(found.generation)
    assert _complete(http, "a/b", id_, (2, first), (7, last)).status_code == 404


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([(1, "{0}"), (2, "{1}")], "too small"),
        ([(2, "{1}"), (1, "{0}")], "ascending"),
        ([(1, "{1}")], "no part of this number has the ETag"),
        ([(3, "{0}")], "no part of this number"),
        ([], "each number is named once"),
    ],
)
def test_what_does_not_fit_together_is_named(
    http: httpx.Client, parts: list[tuple[int, str]], why: str
) -> None:
    id_ = _begun(http, "a")
    etags = [_part(http, "a", id_, number, b"%d" % number) for number in (1, 2)]
    answer = _complete(http, "a", id_, *((n, etag.format(*etags)) for n, etag in parts))
    assert answer.status_code == 400
    assert why in answer.text


def test_an_upload_is_given_up(http: httpx.Client, bucket: storage.Bucket) -> None:
    id_ = _begun(http, "a")
    _part(http, "a", id_, 1, b"x")
    assert http.put(f"b?partNumber=2&uploadId={id_}", content=b"x").status_code == 404
    assert http.put(f"a?partNumber=0&uploadId={id_}", content=b"x").status_code == 400
    assert http.put(f"a?partNumber=x&uploadId={id_}", content=b"x").status_code == 400
    assert http.post(f"a?uploadId={id_}", content=b"<!DOCTYPE a>").status_code == 400
    assert http.post(f"a?uploadId={id_}", content=b"<a><Part/></a>").status_code == 400
    assert http.delete(f"a?uploadId={id_}").status_code == 204
    assert http.put(f"a?partNumber=2&uploadId={id_}", content=b"x").status_code == 404
    assert not bucket.blob("a").exists()
