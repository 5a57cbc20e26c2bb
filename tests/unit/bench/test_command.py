"""The command line, and what a machine may lack."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

import bench.__main__ as command
from bench import ground as grounds
from bench.errors import BenchError, Ended, Missing, TooSlow
from bench.ground import Ground
from bench.rows import PER_SECOND, Kind, Row


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    # Set first, so that the test's end takes back what the ground sets.
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "PROJECT_ID", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setenv("ENVIRONMENT", "before")
    with Ground(quick=True, step=lambda text: None) as made:
        yield made


def test_an_unknown_comparison_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["spanner"])
    assert ended.value.code == 2
    assert "unknown comparison 'spanner'; known: runner, pubsub" in capsys.readouterr().err


@pytest.mark.parametrize("name", command.NAMES)
def test_every_comparison_loads_and_has_a_title(name: str) -> None:
    assert command.load(name).TITLE


class Sample:
    """Gives one row, and fails after it if its error is set."""

    TITLE = "Sample"
    folders: ClassVar[list[Path]] = []

    def __init__(self, error: BenchError | None = None) -> None:
        self._error = error

    def compare(self, ground: Ground) -> Iterator[Row]:
        self.folders.append(ground.folder)
        assert ground.folder.is_dir()
        ground.step("the only step")
        yield Row("m", "p", Kind.OURS, ground.size(9, 3), PER_SECOND)
        if self._error is not None:
            raise self._error


def test_a_run_hands_on_rows_and_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, ground: Ground
) -> None:
    monkeypatch.setattr(command, "load", lambda name: Sample())
    out = io.StringIO()
    found, failed = command.run(["sample"], True, Console(file=out))
    assert [row.figure for row in found["sample"]] == [3]
    assert failed == []
    assert "sample: the only step" in out.getvalue()
    assert not Sample.folders[-1].exists()


def test_a_comparison_that_fails_leaves_the_others_their_figures(
    monkeypatch: pytest.MonkeyPatch, ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = {"pubsub": Sample(TooSlow("the end", 1)), "bigquery": Sample()}
    monkeypatch.setattr(command, "load", samples.__getitem__)
    assert command.main(["pubsub", "bigquery", "--json"]) == 2
    shown = capsys.readouterr()
    assert [len(rows) for rows in json.loads(shown.out)["comparisons"].values()] == [1, 1]
    assert "bench: waited 1 s for the end" in shown.err
    assert not Sample.folders[-2].exists()


def test_a_process_ends_with_its_block_whatever_happens(ground: Ground) -> None:
    sleep = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(RuntimeError, match="in the block"), ground.process("s", *sleep) as child:
        assert child.exit_code() is None
        raise RuntimeError("in the block")
    assert child.exit_code() == 128 + 9


def test_a_process_that_ends_by_itself_is_told_with_its_last_lines(ground: Ground) -> None:
    ending = (sys.executable, "-c", "print('the reason'); raise SystemExit(3)")
    with (
        ground.process("job", *ending) as child,
        pytest.raises(Ended, match="job exited with 3; its last lines:\nthe reason"),
    ):
        ground.wait(lambda: False, "nothing", child, every=0.001)


def test_what_does_not_happen_is_named(ground: Ground) -> None:
    with pytest.raises(TooSlow, match=r"waited 0\.01 s for the end of days"):
        ground.wait(lambda: False, "the end of days", seconds=0.01, every=0.001)


def test_best_of_one_in_a_quick_run_and_of_three_in_a_full_one(ground: Ground) -> None:
    assert ground.best(iter([2.0, 9.0]).__next__) == 2
    ground.quick = False
    assert ground.best(iter([2.0, 9.0, 4.0]).__next__) == 9


@pytest.mark.parametrize(
    ("installed", "why"),
    [
        ((), "gcloud is not installed"),
        (("gcloud",), "there is no java"),
        (("gcloud", "java"), "gcloud has no component pubsub-emulator"),
    ],
)
def test_why_there_is_no_official_emulator(
    installed: tuple[str, ...], why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = {name: str(tmp_path / "bin" / name) for name in installed}
    monkeypatch.setattr(shutil, "which", found.get)
    with pytest.raises(Missing, match=why):
        grounds.official_pubsub_command()


def test_the_official_emulator_of_a_cloud_sdk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar = tmp_path / "platform" / "pubsub-emulator" / "lib" / "emulator.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "bin" / name))
    assert grounds.official_pubsub_command() == (str(tmp_path / "bin" / "java"), jar)
