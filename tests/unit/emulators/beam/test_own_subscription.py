"""Which subscription of a topic is a job's own: the records in its state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from localgcp.beam.errors import StoreUnusable
from localgcp.beam.own_subscription import claim


def test_a_start_after_a_kill_finds_what_the_job_had(tmp_path: Path) -> None:
    first = claim(tmp_path, "job", "Read")
    first.write("projects/p/subscriptions/one")
    first.leave()  # as the system does for a process that is killed
    assert claim(tmp_path, "job", "Read").name == "projects/p/subscriptions/one"


def test_two_jobs_at_once_have_one_each_and_so_have_two_steps(tmp_path: Path) -> None:
    first, second = claim(tmp_path, "job", "Read"), claim(tmp_path, "job", "Read")
    other = claim(tmp_path, "job", "Read/again")
    for number, record in enumerate((first, second, other)):
        record.write(str(number))
        record.leave()
    assert claim(tmp_path, "job", "Read").name == "0"
    assert claim(tmp_path, "job", "Read").name == "1"
    assert claim(tmp_path, "job", "Read/again").name == "2"


def test_a_job_that_is_over_leaves_no_file(tmp_path: Path) -> None:
    record = claim(tmp_path / "state", "job", "Read")
    record.write("projects/p/subscriptions/one")
    record.delete()
    assert list((tmp_path / "state").iterdir()) == []
    assert claim(tmp_path / "state", "job", "Read").name == ""


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreUnusable, match="state"):
        claim(tmp_path / "state", "job", "Read")
