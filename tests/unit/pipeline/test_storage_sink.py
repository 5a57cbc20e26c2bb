from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.cloud import storage

from pipeline.record import Message, Row
from pipeline.storage_sink import (
    CONTENT_TYPE,
    GATHERED_BYTES,
    Files,
    Gather,
    NoFreeNumber,
    contents,
)

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
    for number in ("001", "999"):
        bucket.blob(f"{PREFIX}{number}.json").upload_from_string(b"a\n")
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
    files, listed = Files(bucket), Files._list

    def list_then_lose(prefix: str) -> object:
        series = listed(files, prefix)
        bucket.blob(f"{prefix}{series.next:03}.json").upload_from_string(b"x%d" % series.next)
        return series

    bucket.blob(f"{PREFIX}001.json").upload_from_string(b"x")
    monkeypatch.setattr(files, "_list", list_then_lose)
    with pytest.raises(NoFreeNumber, match="20 numbers"):
        files.store(PREFIX, b"a\n")


def test_content_is_sorted_so_that_a_retry_is_the_same() -> None:
    chunks = [[b"b", b"d"], [b"a", b"c"]]
    assert list(contents(chunks)) == list(contents(reversed(chunks))) == [[b"a", b"b", b"c", b"d"]]


def test_a_large_group_becomes_several_files() -> None:
    chunks = [[b"aaaa", b"bbbb"], [b"cccc"]]
    assert list(contents(chunks, limit=8)) == [[b"aaaa", b"bbbb"], [b"cccc"]]


def row(line: bytes, second: float, prefix: str = PREFIX) -> Row:
    published = datetime.fromtimestamp(second, UTC)
    return Row("orders", {}, prefix, line, Message("e1", b"", {}, published))


def test_lines_of_one_file_and_window_travel_together_at_the_earliest_time() -> None:
    gather = Gather(window_seconds=10.0)
    gather.start_bundle()
    rows = [row(b"a", 109.5), row(b"b", 101.25), row(b"c", 110), row(b"d", 101, "other")]
    assert [out for each in rows for out in gather.process(each)] == []
    assert [(out.value, float(out.timestamp)) for out in gather.finish_bundle()] == [
        ((PREFIX, [b"a", b"b"]), 101.25),
        ((PREFIX, [b"c"]), 110),
        (("other", [b"d"]), 101),
    ]


def test_a_large_bundle_is_let_go_of_in_parts() -> None:
    gather = Gather(window_seconds=10.0)
    gather.start_bundle()
    half = b" " * (GATHERED_BYTES // 2)
    assert list(gather.process(row(half, 1))) == []
    (first,) = gather.process(row(half, 2))
    assert len(first.value[1]) == 2
    assert list(gather.finish_bundle()) == []
