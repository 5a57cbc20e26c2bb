"""Objects whose names no file can have: listed, read and changed like all others."""

from __future__ import annotations

import io

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import storage

NAMES = ["/a", "a/", "a/../../../etc/passwd", "a/./b", "a//b", "a.metadata", "b", "x" * 1024]


@pytest.fixture
def filled(bucket: storage.Bucket) -> storage.Bucket:
    for name in NAMES:
        bucket.blob(name).upload_from_string(name[:10])
    return bucket


def test_they_are_listed_in_order_by_pages(filled: storage.Bucket) -> None:
    ordered = sorted(NAMES, key=str.encode)
    assert [blob.name for blob in filled.list_blobs()] == ordered
    pages = list(filled.list_blobs(page_size=3).pages)
    assert [
        [blob.name for blob in page] for page in map(list, filled.list_blobs(page_size=3).pages)
    ] == [ordered[:3], ordered[3:6], ordered[6:]]
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("a/.", ["a/../../../etc/passwd", "a/./b"]),
        ("a//", ["a//b"]),
        ("a/", ["a/", "a/../../../etc/passwd", "a/./b", "a//b"]),
        ("a.", ["a.metadata"]),
        ("/", ["/a"]),
        ("x" * 300, ["x" * 1024]),
    ],
)
def test_a_prefix_finds_them(filled: storage.Bucket, prefix: str, names: list[str]) -> None:
    assert [blob.name for blob in filled.list_blobs(prefix=prefix)] == names


def test_folders_are_as_of_all_others(filled: storage.Bucket) -> None:
    found = filled.list_blobs(delimiter="/")
    assert [blob.name for blob in found] == ["a.metadata", "b", "x" * 1024]
    assert found.prefixes == {"/", "a/"}
    with_folders = filled.list_blobs(delimiter="/", include_trailing_delimiter=True)
    assert [blob.name for blob in with_folders] == ["a.metadata", "a/", "b", "x" * 1024]
    below = filled.list_blobs(prefix="a/", delimiter="/")
    assert [blob.name for blob in below] == ["a/"]
    assert below.prefixes == {"a/../", "a/./", "a//"}
    one_by_one = filled.list_blobs(delimiter="/", page_size=1)
    assert [[blob.name for blob in page] for page in one_by_one.pages] == [
        [], ["a.metadata"], [], ["b"], ["x" * 1024]
    ]  # fmt: skip
    assert one_by_one.prefixes == {"/", "a/"}


@pytest.mark.parametrize("name", NAMES)
def test_they_are_read_changed_copied_and_deleted(bucket: storage.Bucket, name: str) -> None:
    blob = bucket.blob(name)
    with blob.open("wb") as file:  # a resumable upload
        file.write(b"hello")
    assert bucket.get_blob(name).name == name
    blob.metadata = {"k": "v"}
    blob.patch()
    copied = bucket.copy_blob(blob, bucket, "copies/" + name[:900])
    assert copied.name == "copies/" + name[:900]
    assert copied.download_as_bytes() == b"hello"
    joined = bucket.blob("joined/" + name[:900])
    joined.compose([blob, copied])
    assert joined.download_as_bytes() == b"hellohello"
    into = io.BytesIO()
    blob.download_to_file(into)
    assert into.getvalue() == b"hello"
    blob.delete()
    assert not blob.exists()


def test_a_file_and_a_folder_of_one_name_are_refused_by_name(bucket: storage.Bucket) -> None:
    bucket.blob("a").upload_from_string("x")
    with pytest.raises(BadRequest, match="not supported by the emulator: an object beside"):
        bucket.blob("a/b").upload_from_string("x")
