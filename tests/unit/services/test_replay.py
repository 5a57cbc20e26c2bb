from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from event_types import registry
from event_types.validate import validate
from services.generator.jobs import replay
from services.generator.models import ReplayRequest, State
from services.generator.replay import Recording, UnknownRecording
from services.generator.tasks import Task
from tests.unit.services.fakes import START, JumpingClock, Sink


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files as the pipeline writes them: three of a minute, and one of the next."""
    order = registry.by_name("order")
    for number, (minute, count) in enumerate([("30", 3), ("31", 1)]):
        folder = tmp_path / "recordings" / "order/2024/01/15/10" / minute
        folder.mkdir(parents=True)
        rows = [
            order.row(
                order.fake(Random(each + 10 * number), START), f"id-{number}-{each}", START, START
            )
            for each in range(count)
        ]
        file = folder / f"order_2024011510{minute}001.json"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "secret.json").write_text("{}")
    return tmp_path / "recordings"


def run(root: Path, **asked: object) -> tuple[Task, Sink]:
    clock = JumpingClock()
    sink = Sink(clock)
    request = ReplayRequest.model_validate({"path": "order", **asked})
    task = Task("t", replay(request, Recording(root, request.path)), 1, sink, clock)
    task.run()
    return task, sink


def test_each_recorded_event_is_published_once_at_the_pace(root: Path) -> None:
    task, sink = run(root, events_per_minute=120)
    status = task.status()
    assert (status.state, status.planned, status.confirmed) == (State.COMPLETED, 4, 4)
    assert sink.moments == pytest.approx([0, 0.5, 1, 1.5])
    for data, attributes, _ in sink.messages:
        assert validate(data).event_type == attributes["event_type"] == "order"
    assert not {"id-0-0", "id-1-0"} & {each["event_id"] for _, each, _ in sink.messages}


def test_event_ids_are_kept_if_asked(root: Path) -> None:
    _, sink = run(root, keep_event_ids=True)
    ids = [attributes["event_id"] for _, attributes, _ in sink.messages]
    assert ids == ["id-0-0", "id-0-1", "id-0-2", "id-1-0"]


def test_one_file_is_a_recording_too(root: Path) -> None:
    path = "order/2024/01/15/10/31/order_202401151031001.json"
    assert run(root, path=path)[0].status().planned == 1


@pytest.mark.parametrize("path", ["nothing", "../secret.json", "/etc/hostname", "order/../.."])
def test_what_is_not_below_the_folder_is_not_found(root: Path, path: str) -> None:
    with pytest.raises(UnknownRecording, match="not found"):
        Recording(root, path)


def test_without_a_folder_there_are_no_recordings() -> None:
    with pytest.raises(UnknownRecording, match="no folder of recordings is set"):
        Recording(None, "order")


@pytest.mark.parametrize("line", ["[1]", "{", '{"order_id": "x"}'])
def test_a_line_that_is_no_event_ends_the_task_and_is_named(root: Path, line: str) -> None:
    (root / "order" / "bad.json").write_text(f"\n{line}\n")
    task, _ = run(root)
    status = task.status()
    assert status.state is State.FAILED
    assert "bad.json, line 2: not a JSON object with an event_type" in str(status.last_error)
