from __future__ import annotations

import pytest
from google.cloud import storage

from pipeline.storage_sink import CONTENT_TYPE, Files, NoFreeNumber, contents

PREFIX = "output/order/2024/01/15/10/30/order_202401151030"


def names(bucket: storage.Bucket) -> list[str]:
    return [blob.name.removeprefix(PREFIX) for blob in bucket.list_blobs()]


def test_numbers_start_at_one_and_follow(bucket: storage.Bucket) -> None:
    files = Files(bucket)
    assert files.store(PREFIX, b"a\n") == f"{PREFIX}001.json"
    assert files.store(PREFIX, b"b\n") == f"{PREFIX}002.json"
    assert bucket.get_blob(f"{PREFIX}001.json").content_type == CONTENT_TYPE


def test_a_new_worker_goes_on_where_another_ended(bucket: storage.Bucket) -> None:
    Files(bucket).store(PREFIX, b"a\n")
    assert Files(bucket).store(PREFIX, b"b\n") == f"{PREFIX}002.json"


def test_past_999_the_number_gets_wider(bucket: storage.Bucket) -> None:
    bucket.blob(f"{PREFIX}999.json").upload_from_string(b"a\n")
    assert Files(bucket).store(PREFIX, b"b\n") == f"{PREFIX}1000.json"
    assert Files(bucket).store(PREFIX, b"c\n") == f"{PREFIX}1001.json"


def test_two_workers_never_overwrite_each_other(bucket: storage.Bucket) -> None:
    one, other = Files(bucket), Files(bucket)
    assert one.store(PREFIX, b"a\n") == f"{PREFIX}001.json"
    assert other.store(PREFIX, b"b\n") == f"{PREFIX}002.json"
    assert one.store(PREFIX, b"c\n") == f"{PREFIX}003.json"
    assert [blob.download_as_bytes() for blob in bucket.list_blobs()] == [b"a\n", b"b\n", b"c\n"]


def test_content_stored_by_an_earlier_try_is_not_stored_again(bucket: storage.Bucket) -> None:
    files = Files(bucket)
    files.store(PREFIX, b"a\n")
    files.store(PREFIX, b"b\n")
    assert files.store(PREFIX, b"a\n") is None
    assert Files(bucket).store(PREFIX, b"a\n") is None
    assert names(bucket) == ["001.json", "002.json"]


def test_a_race_lost_to_the_same_content_is_done(bucket: storage.Bucket) -> None:
    one, other = Files(bucket), Files(bucket)
    one.store(PREFIX, b"a\n")
    other.store(PREFIX, b"b\n")
    assert one.store(PREFIX, b"b\n") is None
    assert names(bucket) == ["001.json", "002.json"]


def test_a_prefix_forgotten_for_lack_of_room_is_listed_again(
    bucket: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage_sink.SERIES_KEPT", 1)
    files = Files(bucket)
    files.store(PREFIX, b"a\n")
    files.store(f"{PREFIX}-other", b"a\n")
    assert files.store(PREFIX, b"b\n") == f"{PREFIX}002.json"


def test_it_gives_up_when_every_number_is_taken(
    bucket: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, other = Files(bucket), Files(bucket)
    listed = Files._list

    def list_then_lose(self: Files, prefix: str) -> object:
        series = listed(self, prefix)
        other._forget(prefix)
        bucket.blob(f"{prefix}{series.next:03}.json").upload_from_string(b"x%d" % series.next)
        return series

    monkeypatch.setattr(files, "_list", lambda prefix: list_then_lose(files, prefix))
    with pytest.raises(NoFreeNumber, match="20 numbers"):
        files.store(PREFIX, b"a\n")


def test_content_is_sorted_so_that_a_retry_is_the_same() -> None:
    lines = [b"b", b"a", b"c"]
    assert list(contents(lines)) == list(contents(reversed(lines))) == [(b"a\nb\nc\n", 3)]


def test_a_large_group_becomes_several_files() -> None:
    assert list(contents([b"aaaa", b"bbbb", b"cccc"], limit=10)) == [
        (b"aaaa\nbbbb\n", 2),
        (b"cccc\n", 1),
    ]
