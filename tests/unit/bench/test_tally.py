"""What a job tells of its progress, and what is made of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench.jobs.tally import Tally, say


def write(path: Path, *bundles: tuple[float, int], end: str = "\n") -> None:
    lines = [json.dumps({"at": at, "count": count, "waits": [0.5]}) for at, count in bundles]
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


def test_what_is_said_is_heard(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally")
    assert tally.total() == 0
    say(tally.path, 3, [time.monotonic() - 2.0])
    say(tally.path, 4, [])
    assert tally.total() == 7
    assert len(tally.waits) == 1
    assert 2.0 <= tally.waits[0] < 60.0


def test_a_line_is_read_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally")
    write(tally.path, (1.0, 10))
    assert tally.total() == tally.total() == 10
    write(tally.path, (2.0, 5), end="")
    assert tally.total() == 10
    write(tally.path, end="\n")
    assert tally.total() == 15
    assert tally.waits == [0.5, 0.5]


def test_the_rate_leaves_out_the_first_bundle_and_the_start_before_it(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally")
    write(tally.path, (100.0, 1_000), (100.5, 300), (102.0, 700))
    tally.total()
    assert tally.rate() == 500


def test_one_bundle_has_no_rate(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally")
    write(tally.path, (1.0, 10))
    tally.total()
    with pytest.raises(ValueError, match="of 1 bundles"):
        tally.rate()
