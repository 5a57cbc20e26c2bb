"""The programs of apache_beam.examples that stream or play the game, as they stand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fastavro
import pytest
from pyarrow.parquet import ParquetFile

from tests.beam.stage import Stage


@pytest.mark.parametrize("by", ["subscription", "topic"])
def test_words_are_counted(by: str, stage: Stage) -> None:
    output, drawn = stage.output_topic()
    source = stage.subscription if by == "subscription" else stage.topic
    args = (f"--input_{by}", source, "--output_topic", output)
    with stage.running("streaming_wordcount.py", *args) as run:
        stage.publish("all of", "it")
        run.has_pulled(2)
    assert drawn() == ["all: 1", "it: 1", "of: 1"]


def scores() -> tuple[list[str], dict[str, int], dict[str, int]]:
    """Ten events of each of four users, one of them a robot; and the sums by user and team.

    All of the next hour, so that they share their windows and none is late.
    """
    hour = (int(time.time()) // 3600 + 1) * 3_600_000
    events, users, teams = [], Counter[str](), Counter[str]()
    for number in range(40):
        user, team = f"user{number % 4}", f"team{number % 2}"
        score = 100 if user == "user0" else 1 + number % 3
        events.append(f"{user},{team},{score},{hour + number},text")
        users[user] += score
        teams[team] += score
    return events, dict(users), dict(teams)


def test_leader_board(stage: Stage) -> None:
    events, users, teams = scores()
    args = ("--subscription", stage.subscription, "--dataset", stage.dataset)
    with stage.running("complete/game/leader_board.py", *args) as run:
        stage.publish(*events)
        run.has_pulled(40)
    assert {row["user"]: row["total_score"] for row in stage.rows("leader_board_users")} == users
    assert {row["team"]: row["total_score"] for row in stage.rows("leader_board_teams")} == teams


def test_game_stats_leaves_the_robot_out(stage: Stage) -> None:
    events, users, teams = scores()
    args = ("--subscription", stage.subscription, "--dataset", stage.dataset)
    with stage.running("complete/game/game_stats.py", *args) as run:
        stage.publish(*events)
        run.has_pulled(40)
    teams["team0"] -= users["user0"]
    assert {row["team"]: row["total_score"] for row in stage.rows("game_stats_teams")} == teams
    (session,) = stage.rows("game_stats_sessions")
    assert 300 <= session["mean_duration"] < 301


def test_hourly_team_score(stage: Stage, gcs_bucket: str, tmp_path: Path) -> None:
    events, _, teams = scores()
    (tmp_path / "events.csv").write_text("\n".join(events))
    stage.finished(
        "complete/game/hourly_team_score.py",
        *("--input", str(tmp_path / "events.csv"), "--dataset", stage.dataset),
        *("--stop_min", "2099-01-01-00-00", "--temp_location", f"gs://{gcs_bucket}/tmp"),
    )
    assert {row["team"]: row["total_score"] for row in stage.rows("leader_board")} == teams


def test_user_score(stage: Stage, tmp_path: Path) -> None:
    events, users, _ = scores()
    (tmp_path / "events.csv").write_text("\n".join(events))
    args = ("--input", str(tmp_path / "events.csv"), "--output", str(tmp_path / "sums"))
    stage.finished("complete/game/user_score.py", *args)
    lines = [line for path in tmp_path.glob("sums*") for line in path.read_text().splitlines()]
    assert sorted(lines) == [f"user: {user}, total_score: {users[user]}" for user in sorted(users)]


def test_every_sink_writes_the_whole_stream(stage: Stage) -> None:
    """Those of Avro and Parquet lose records on Beam's own BundleBasedDirectRunner."""
    stage.finished("sinks/test_write_unbounded.py")
    folder = stage.folder / "__output__"

    def counted(name: str, count: Callable[[Path], int]) -> int:
        return sum(count(path) for path in folder.glob(f"{name}*"))

    assert counted("ouput_WriteToText-", lines) == 60
    assert counted("output_WriteToFiles/output-", lines) == 60
    assert counted("output_avro-", records) == 60
    # Twice: by windows of 5 s and of 20 s.
    assert counted("output_parquet-", lambda path: ParquetFile(path).metadata.num_rows) == 120
    assert counted("output_parquet_", lambda path: ParquetFile(path).metadata.num_rows) == 60
    assert counted("output_tfrecord-", lambda path: path.read_bytes().count(b"age")) == 60


def records(path: Path) -> int:
    """How many records an Avro file has."""
    with path.open("rb") as file:
        return sum(1 for _ in fastavro.reader(file))


def lines(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_text().splitlines())


def test_every_sink_writes_what_is_bounded(stage: Stage) -> None:
    stage.finished("sinks/test_write_bounded.py")
    folder = stage.folder / "__output_batch__"
    texts = [*folder.glob("ouput_WriteToText-*"), *folder.glob("output_WriteToFiles/output-*")]
    assert [lines(path) for path in texts] == [3, 3]
    tables = [ParquetFile(path).metadata.num_rows for path in folder.glob("output_*arquet-*")]
    assert tables == [3, 3]
