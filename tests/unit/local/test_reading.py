"""Messages as people have them in files: one a line, pretty-printed, packed, marked, or broken."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from local import reading
from local.errors import NotSent
from local.messages import THREE, malformed
from local.reading import Message, checked, read

PRETTY = [json.dumps(json.loads(each), indent=2).encode() for each in THREE]


def written(tmp_path: Path, data: bytes) -> str:
    file = tmp_path / "events.jsonl"
    file.write_bytes(data)
    return str(file)


def all_of(file: str, **options: Any) -> list[tuple[int, bytes]]:
    return [(each.line, each.data) for each in read(file, **options)]


def test_a_line_is_a_message_and_an_empty_one_is_none(tmp_path: Path) -> None:
    data = b"\n" + THREE[0] + b"\r\n  \n" + THREE[1] + b"\n\n" + THREE[2]
    assert all_of(written(tmp_path, data)) == [(2, THREE[0]), (4, THREE[1]), (6, THREE[2])]


def test_what_is_no_json_passes_as_it_stands(tmp_path: Path) -> None:
    lines = [each for each in malformed() if b"\n" not in each and not each.endswith(b",")]
    file = written(tmp_path, b"plain\n" + b"\n".join(lines))
    assert [data for _, data in all_of(file)] == [b"plain", *lines]


def test_a_pretty_printed_object_is_one_message(tmp_path: Path) -> None:
    data = b"\n".join((PRETTY[0], THREE[1], b"", PRETTY[2]))
    found = all_of(written(tmp_path, data))
    assert [each for _, each in found] == [PRETTY[0], THREE[1], PRETTY[2]]
    second = PRETTY[0].count(b"\n") + 2
    assert [line for line, _ in found] == [1, second, second + 2]


def test_brackets_in_strings_open_nothing(tmp_path: Path) -> None:
    odd = b'{"a": "}{[",\n"b\\"{": ["]"\n]}'
    assert all_of(written(tmp_path, odd + b"\n[1]")) == [(1, odd), (4, b"[1]")]


def test_a_torn_line_is_a_message_of_its_own(tmp_path: Path) -> None:
    assert all_of(written(tmp_path, b'{"a": "torn\n{}')) == [(1, b'{"a": "torn'), (2, b"{}")]


def test_an_object_that_is_never_closed_is_refused_by_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, THREE[0] + b'\n{"event_type":"order",\n' + THREE[1])
    with pytest.raises(NotSent, match=r"events\.jsonl: line 2 opens a JSON object .*--lines"):
        checked(file)
    assert [line for line, _ in all_of(file, as_lines=True)] == [1, 2, 3]


def test_an_array_over_lines_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match=r"line 1 opens a JSON array.*jq -c"):
        checked(written(tmp_path, b"[\n" + b",\n".join(THREE) + b"\n]"))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_mark_is_left_out_and_gzip_unpacked(tmp_path: Path, mark: bytes, packed: bool) -> None:
    data = mark + b"\n".join(THREE)
    file = written(tmp_path, gzip.compress(data) if packed else data)
    assert [each for _, each in all_of(file)] == list(THREE)
    assert checked(file) == 3


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    data = b"\xef\xbb\xbf" + b"\n".join(THREE)
    source = io.BufferedReader(io.BytesIO(gzip.compress(data) if packed else data))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(source))
    assert checked("-") is None
    assert [each for _, each in all_of("-")] == list(THREE)


def test_a_pipe_with_a_name_is_read_once_too() -> None:
    reader, writer = os.pipe()
    os.write(writer, THREE[0])
    os.close(writer)
    assert checked(f"/dev/fd/{reader}") is None
    assert all_of(f"/dev/fd/{reader}") == [(1, THREE[0])]
    os.close(reader)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(b"\n".join(THREE * 500))[:-20], r"broken gzip data after line \d+: "),
        (b"\x1f\x8bnot gzip", "broken gzip data after line 0: "),
        (THREE[0].decode().encode("utf-16"), "is UTF-16; iconv"),
        (b"x\n" + b"x" * 1_001, "line 2 has more than 1,000 bytes"),
        (b'{"a": [\n' + b"1,\n" * 2_000, "line 1 opens a JSON object that is not closed"),
    ],
    ids=["cut", "no gzip", "utf-16", "a long line", "a long object"],
)
def test_what_can_t_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, said: str
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1_000)
    file = written(tmp_path, data)
    with pytest.raises(NotSent, match=said) as refused:
        checked(file)
    assert str(refused.value).startswith(file)


@pytest.mark.parametrize(("name", "said"), [("none.jsonl", "No such file"), ("", "Is a directory")])
def test_a_file_that_is_none_is_named(tmp_path: Path, name: str, said: str) -> None:
    file = str(tmp_path / name) if name else str(tmp_path)
    with pytest.raises(NotSent, match=said):
        list(read(file))


def test_a_large_file_is_never_held(tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        for _ in range(200):
            packed.write(b"\n".join(THREE * 100) + b"\n")
    tracemalloc.start()
    found = sum(isinstance(each, Message) for each in read(str(file)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == 60_000
    assert peak < 2_000_000, "of 18 MB"
