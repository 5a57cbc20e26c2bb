"""The parts' logs: their last lines, and what comes after."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from local import tail
from local.__main__ import main


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "pubsub.log").write_text("".join(f"line {n}\n" for n in range(30)))
    (folder / "pipeline.log").write_text('{"severity": "INFO", "message": "began"}\ntorn')
    return folder


def test_the_last_lines_of_each(logs: Path) -> None:
    found = list(tail.last(logs, ["pubsub", "storage", "pipeline"], 2))
    began = '{"severity": "INFO", "message": "began"}'
    assert found == [("pubsub", "line 28"), ("pubsub", "line 29"), ("pipeline", began)]


def test_what_is_written_meanwhile_follows_whole_lines_only(logs: Path) -> None:
    written = iter(("x\n", "y", "z\n"))

    def pause() -> None:
        with (logs / "pubsub.log").open("a") as log:
            log.write(next(written))

    lines = tail.follow(logs, ["pubsub"], 1, pause)
    assert list(islice(lines, 3)) == [("pubsub", "line 29"), ("pubsub", "x"), ("pubsub", "yz")]


def test_a_file_that_was_made_anew_is_read_from_its_start(logs: Path) -> None:
    def pause() -> None:
        (logs / "pubsub.log").write_text("new\n")

    lines = tail.follow(logs, ["pubsub"], 1, pause)
    assert list(islice(lines, 2)) == [("pubsub", "line 29"), ("pubsub", "new")]


def test_the_command(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["logs", "--data-dir", str(logs.parent)]
    assert main([*words, "-n", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pubsub        | line 29",
        "pipeline      | INFO began",
    ]
    assert main([*words, "pubsub", "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"part": "pubsub", "line": "line 29"}
    assert main(["logs", "--data-dir", str(logs)]) == 2
    assert f"logs: there are no logs in {logs / 'logs'}" in capsys.readouterr().err
