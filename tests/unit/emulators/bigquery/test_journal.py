"""The file of jobs: what is read back, whatever ended the writing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import (
    BigQueryError,
    LoadFailed,
    QueryCancelled,
    TableNotFound,
    Warned,
)
from localgcp.bigquery.jobs import journal
from localgcp.bigquery.jobs.copies import Copied
from localgcp.bigquery.jobs.extracts import Extracted
from localgcp.bigquery.jobs.job import Job, Result
from localgcp.bigquery.jobs.journal import Journal
from localgcp.bigquery.jobs.loads import Loaded
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.record import kept, restored


def record(id_: str, **more: Any) -> dict[str, Any]:
    return {"project": "p", "id": id_, **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.jsonl"


def test_the_last_line_of_a_job_counts(path: Path) -> None:
    kept = Journal(path)
    for state in ("running", "done"):
        kept.write(record("a", state=state))
        kept.write(record("b", state=state))
    kept.forget("p", "b")
    kept.close()
    assert Journal(path).read() == [record("a", state="done")]


def test_a_line_that_was_cut_off_is_passed_over(path: Path) -> None:
    kept = Journal(path)
    kept.write(record("a"))
    kept.write(record("b"))
    kept.close()
    path.write_bytes(path.read_bytes()[:-5])
    assert Journal(path).read() == [record("a")]


def test_it_is_written_anew_when_it_has_grown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_BYTES", 100)
    kept = Journal(path)
    while not kept.write(record("a", text="x" * 20)):
        pass
    kept.rewrite([record("a")])
    assert not kept.write(record("b"))
    kept.close()
    assert path.read_text().count("\n") == 2
    assert [each["id"] for each in Journal(path).read()] == ["a", "b"]


def test_nothing_is_kept_in_memory() -> None:
    kept = Journal(None)
    assert not kept.write(record("a"))
    kept.rewrite([record("a")])
    assert kept.read() == []


COLUMN = Field("r", "RECORD", "REPEATED", fields=(Field("n", "NUMERIC", precision=4, scale=2),))
OUTCOMES: list[Result] = [
    Outcome("SELECT", (COLUMN,), dry_run=True),
    Outcome("MERGE", affected={"INSERT": 2}, target=Name("p", "d", "t"), script=True),
    Outcome("DROP_SCHEMA", operation="DROP", schema=("p", "d")),
    Loaded(1, 2, 3, 4, 5, [Warned("line 6", "gs://b/o")]),
    Copied(1, 2),
    Extracted((1, 2), 3),
]
ERRORS: list[BigQueryError] = [
    TableNotFound("p", "d", "t"),
    QueryCancelled(),
    LoadFailed(3, 2, (Warned("line 1"),), "gs://b/o"),
]


def job(**more: Any) -> Job:
    made = Job("p", "j", "US", "QUERY", {"labels": {"a": "b"}}, 1, started_ms=2, **more)
    made.referenced = (Name("p", "d", "t"),)
    return made


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_what_a_job_came_to_reads_back(path: Path, outcome: Result) -> None:
    before = job(ended_ms=3, outcome=outcome)
    after = through(path, before)
    assert (after.state, after.outcome, after.error) == ("DONE", outcome, None)
    assert (after.referenced, after.configuration) == (before.referenced, before.configuration)
    assert (after.created_ms, after.started_ms, after.ended_ms) == (1, 2, 3)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_why_a_job_failed_reads_back(path: Path, error: BigQueryError) -> None:
    after = through(path, job(ended_ms=3, error=error)).error
    assert after is not None
    assert isinstance(error, type(after))
    assert (after.message, after.location) == (error.message, error.location)
    if isinstance(after, LoadFailed):
        assert after.told == (Warned("line 1"),)


def test_a_job_that_had_not_ended_has_failed(path: Path) -> None:
    after = through(path, job())
    assert (after.state, after.ended_ms) == ("DONE", 2)
    assert "ended while the job ran" in str(after.error)


def through(path: Path, before: Job) -> Job:
    """A job over a restart."""
    file = Journal(path)
    file.write(kept(before))
    file.close()
    (record,) = Journal(path).read()
    return restored(record)


def test_lines_of_many_threads_are_whole(path: Path) -> None:
    file = Journal(path)

    def write(name: int) -> None:
        for number in range(50):
            file.write(record(f"{name}-{number}", text="x" * 500))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    assert len(Journal(path).read()) == 200
