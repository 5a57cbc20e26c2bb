from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4
from zlib import crc32

import pytest
from google.cloud import storage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.record import Message, Row
from pipeline.storage_sink import (
    CONTENT_TYPE,
    GATHERED_BYTES,
    Files,
    Gather,
    NoFreeNumber,
    Shard,
    contents,
)

PREFIX = "output/order/2024/01/15/10/30/order_202401151030"
SHARD = Shard(PREFIX)


def names(bucket: storage.Bucket) -> list[str]:
    return [blob.name.removeprefix(PREFIX) for blob in bucket.list_blobs()]


def test_numbers_start_at_one_and_follow(bucket: storage.Bucket) -> None:
    files = Files(bucket)
    assert files.store(SHARD, b"a\n") == f"{PREFIX}001.json"
    assert files.store(SHARD, b"b\n") == f"{PREFIX}002.json"
    assert bucket.get_blob(f"{PREFIX}001.json").content_type == CONTENT_TYPE


def test_a_new_worker_goes_on_where_another_ended(bucket: storage.Bucket) -> None:
    Files(bucket).store(SHARD, b"a\n")
    assert Files(bucket).store(SHARD, b"b\n") == f"{PREFIX}002.json"


def test_past_999_the_number_gets_wider(bucket: storage.Bucket) -> None:
    for number in ("001", "999"):
        bucket.blob(f"{PREFIX}{number}.json").upload_from_string(b"a\n")
    assert Files(bucket).store(SHARD, b"b\n") == f"{PREFIX}1000.json"
    assert Files(bucket).store(SHARD, b"c\n") == f"{PREFIX}1001.json"


def test_two_workers_never_overwrite_each_other(bucket: storage.Bucket) -> None:
    one, other = Files(bucket), Files(bucket)
    assert one.store(SHARD, b"a\n") == f"{PREFIX}001.json"
    assert other.store(SHARD, b"b\n") == f"{PREFIX}002.json"
    assert one.store(SHARD, b"c\n") == f"{PREFIX}003.json"
    assert [blob.download_as_bytes() for blob in bucket.list_blobs()] == [b"a\n", b"b\n", b"c\n"]


def test_content_stored_by_an_earlier_try_is_not_stored_again(bucket: storage.Bucket) -> None:
    files = Files(bucket)
    files.store(SHARD, b"a\n")
    files.store(SHARD, b"b\n")
    assert files.store(SHARD, b"a\n") is None
    assert Files(bucket).store(SHARD, b"a\n") is None
    assert names(bucket) == ["001.json", "002.json"]


def test_a_race_lost_to_the_same_content_is_done(bucket: storage.Bucket) -> None:
    one, other = Files(bucket), Files(bucket)
    one.store(SHARD, b"a\n")
    other.store(SHARD, b"b\n")
    assert one.store(SHARD, b"b\n") is None
    assert names(bucket) == ["001.json", "002.json"]


def test_what_a_killed_job_had_written_is_left_out_of_the_next_object(
    bucket: storage.Bucket,
) -> None:
    first, again = Files(bucket), Files(bucket)
    first.store(SHARD, line("a", 1) + line("b", 1))
    repeated: list[int] = []
    # The messages come again in another bundle, and are processed at another time.
    more = line("a", 2) + line("b", 2) + line("c", 2)
    assert again.store(SHARD, more, repeated.append) == f"{PREFIX}002.json"
    assert bucket.blob(f"{PREFIX}002.json").download_as_bytes() == line("c", 2)
    assert again.store(SHARD, more) is None, "the bundle is tried again"
    assert Files(bucket).store(SHARD, more) is None
    assert Files(bucket).store(SHARD, line("a", 3), repeated.append) is None
    assert repeated == [2, 1]


def test_two_pipelines_at_once_write_each_event_once(bucket: storage.Bucket) -> None:
    one, other = Files(bucket), Files(bucket)
    for first, second in ((one, other), (other, one), (one, other)):
        number = len(names(bucket))
        first.store(SHARD, line(f"e{number}", 1) + line("always", 1))
        second.store(SHARD, line(f"e{number}", 2) + line(f"f{number}", 2))
    stored = [each for blob in bucket.list_blobs() for each in blob.download_as_bytes().split()]
    ids = [json.loads(each)["event_id"] for each in stored]
    assert sorted(ids) == sorted(set(ids) | {"always"})


def test_one_id_with_two_contents_is_two_lines(bucket: storage.Bucket) -> None:
    Files(bucket).store(SHARD, line("a", 1))
    other = line("a", 1).replace(b"1.5", b"2.5")
    assert Files(bucket).store(SHARD, other) == f"{PREFIX}002.json"


def line(event_id: str, processed: int) -> bytes:
    """An order's line, as one delivery makes it."""
    record = {"total": 1.5, "event_id": event_id, "processed_timestamp": f"{processed}"}
    return json.dumps(record).encode().replace(b" ", b"") + b"\n"


def test_a_prefix_forgotten_for_lack_of_room_is_listed_again(
    bucket: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage_sink.SERIES_KEPT", 1)
    files = Files(bucket)
    files.store(SHARD, b"a\n")
    files.store(Shard(f"{PREFIX}-other"), b"a\n")
    assert files.store(SHARD, b"b\n") == f"{PREFIX}002.json"


def test_it_gives_up_when_every_number_is_taken(
    bucket: storage.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, listed = Files(bucket), Files._list

    def list_then_lose(shard: Shard) -> object:
        series = listed(files, shard)
        bucket.blob(shard.name(series.next)).upload_from_string(b"x%d" % series.next)
        return series

    bucket.blob(f"{PREFIX}001.json").upload_from_string(b"x")
    monkeypatch.setattr(files, "_list", list_then_lose)
    with pytest.raises(NoFreeNumber, match="20 numbers"):
        files.store(SHARD, b"a\n")


def test_a_large_group_becomes_several_files() -> None:
    chunks = [[b"aaaa", b"bbbb"], [b"cccc"]]
    assert list(contents(chunks, limit=8)) == [[b"aaaa", b"bbbb"], [b"cccc"]]


LINES = st.lists(st.binary(min_size=1, max_size=6), max_size=40)
LIMITS = st.integers(1, 60)


def chunked(draw: st.DrawFn, lines: list[bytes]) -> list[list[bytes]]:
    """The lines in some order, cut somewhere, as a runner may hand them over."""
    left = draw(st.permutations(lines))
    cuts = sorted(draw(st.lists(st.integers(0, len(left)), max_size=5)))
    ends = zip([0, *cuts], [*cuts, len(left)], strict=True)
    return [list(left[start:end]) for start, end in ends]


@given(st.data(), LINES, LIMITS)
def test_the_same_lines_give_the_same_files_in_any_order(
    data: st.DataObject, lines: list[bytes], limit: int
) -> None:
    one = list(contents(data.draw(st.composite(chunked)(lines)), limit))
    assert one == list(contents([lines], limit))
    assert [line for each in one for line in each] == sorted(lines)
    longest = max(map(len, lines), default=0)
    assert all(sum(map(len, each)) < limit + longest for each in one)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), LINES.map(set), LIMITS, st.integers(1, 4))
def test_a_window_tried_again_stores_each_line_once(
    bucket: storage.Bucket, data: st.DataObject, lines: set[bytes], limit: int, shards: int
) -> None:
    """Attempts die with some of their files written, overlap, and come from other workers."""
    prefix = f"{PREFIX}-{uuid4().hex}-"
    group: dict[Shard, list[bytes]] = {}
    for line in lines:
        group.setdefault(Shard(prefix, 1 + crc32(line) % shards, shards), []).append(line)
    workers = [Files(bucket) for _ in range(3)]

    def attempt(shard: Shard, worker: Files) -> Iterator[str | None]:
        chunks = data.draw(st.composite(chunked)(group[shard]))
        for each in contents(chunks, limit):
            yield worker.store(shard, b"".join(line.hex().encode() + b"\n" for line in each))

    for shard in group:
        alive = [attempt(shard, data.draw(st.sampled_from(workers))) for _ in range(3)]
        for turn in data.draw(st.lists(st.integers(0, 2), max_size=8)):
            next(alive[turn], None)  # an attempt that takes no more turns was killed
        assert all(name is None or name.startswith(prefix) for name in attempt(shard, workers[0]))

    blobs = list(bucket.list_blobs(prefix=prefix))
    stored = [line for blob in blobs for line in blob.download_as_bytes().split()]
    assert sorted(stored) == sorted(line.hex().encode() for line in lines)


def test_shards_never_want_the_same_number(bucket: storage.Bucket) -> None:
    files = Files(bucket)
    for round_ in range(2):
        for turn in (3, 1, 2):
            files.store(Shard(PREFIX, turn, 3), b"%d %d\n" % (round_, turn))
    assert names(bucket) == [f"00{number}.json" for number in range(1, 7)]
    assert bucket.get_blob(f"{PREFIX}005.json").download_as_bytes() == b"1 2\n"


def test_another_number_of_shards_goes_on_after_what_is_there(bucket: storage.Bucket) -> None:
    for number in (1, 2, 3):
        Files(bucket).store(SHARD, b"%d\n" % number)
    assert Files(bucket).store(Shard(PREFIX, 2, 4), b"a\n") == f"{PREFIX}006.json"
    assert Files(bucket).store(Shard(PREFIX, 4, 4), b"b\n") == f"{PREFIX}004.json"
    assert Files(bucket).store(SHARD, b"c\n") == f"{PREFIX}007.json"
    assert Files(bucket).store(Shard(PREFIX, 1, 2), b"3\n") is None  # whoever stored it


@pytest.mark.parametrize("shard", [SHARD, Shard(PREFIX, 2, 4), Shard(PREFIX, 16, 16)])
def test_a_key_says_which_shard_of_how_many(shard: Shard) -> None:
    assert Shard.parse(shard.key) == shard
    assert SHARD.key == PREFIX  # as every job before shards had it


@pytest.mark.parametrize("of", [2, 4])
def test_a_line_has_its_shard_in_every_bundle(of: int) -> None:
    lines = [b"line %d" % number for number in range(200)]
    shards: dict[bytes, set[str]] = {}
    for order in (lines, lines[::-1]):
        gather = Gather(10.0, shards=of)
        gather.start_bundle()
        for line in order:
            assert list(gather.process(row(line, 1))) == []
        for out in gather.finish_bundle():
            for line in out.value[1]:
                shards.setdefault(line, set()).add(out.value[0])
    assert all(len(keys) == 1 for keys in shards.values())
    assert {key for keys in shards.values() for key in keys} == {
        Shard(PREFIX, turn, of).key for turn in range(1, of + 1)
    }


def row(line: bytes, second: float, prefix: str = PREFIX) -> Row:
    published = datetime.fromtimestamp(second, UTC)
    return Row("orders", {}, prefix, line, Message(line.decode(), b"", {}, published))


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
