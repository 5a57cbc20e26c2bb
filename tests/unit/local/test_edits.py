"""Which parts an edited file concerns, and what a supervisor does about it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import laptop
from local.edits import LOCALGCP, WHOSE, Edits, parts_of, unreadable
from local.processes import Process
from local.supervise import Supervisor
from local.watching import WATCH, Watching
from localgcp.base import LOOPBACK, claim_port
from tests.unit.local.test_supervise import SERVE, until

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("pipeline/events.py", "pipeline"),
        ("event_types/order.py", "generator pipeline table_manager"),
        ("settings.py", "control_room generator pipeline table_manager"),
        ("telemetry.py", "generator pipeline table_manager"),
        ("services/generator/app.py", "generator"),
        ("services/table_manager/main.py", "table_manager"),
        ("services/guard.py", "generator table_manager"),
        (f"{LOCALGCP}/pubsub/domain/topic.py", "pubsub"),
        (f"{LOCALGCP}/beam/acks.py", "pipeline"),
        (
            f"{LOCALGCP}/guard.py",
            "bigquery console control_room generator pipeline pubsub storage table_manager",
        ),
        (f"{LOCALGCP}/testing/plugin.py", ""),
        ("local/control_room/app.py", "control_room"),
        ("local/run.py", "control_room"),
        ("tests/unit/local/test_edits.py", ""),
        ("pipeline/notes.md", ""),
    ],
)
def test_a_file_concerns_the_parts_that_run_it(file: str, parts: str) -> None:
    assert parts_of(Path(file)) == {*parts.split()}


def test_every_part_has_code_and_every_folder_is_there() -> None:
    assert {part for _, parts in WHOSE for part in parts} == {*laptop.PORTS}
    assert [folder for folder, _ in WHOSE if not (ROOT / folder).is_dir()] == []


def test_code_that_python_cannot_read_is_told_by_file_and_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("x = 1\n")
    bad.write_text("x = 1\ndef broken(:\n")
    assert unreadable([good, tmp_path / "gone.py"]) is None
    assert unreadable([good, bad]) == "bad.py, line 2: invalid syntax"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder, _ in WHOSE:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return tmp_path


def test_a_file_is_given_once_and_only_when_no_more_come(checkout: Path) -> None:
    now = [100.0]
    with Edits(checkout, lambda: now[0]) as edits:
        (checkout / "pipeline" / "a.py").write_text("1")
        (checkout / "services" / "b.py.new").write_text("2")
        (checkout / "services" / "b.py.new").rename(checkout / "services" / "b.py")
        (checkout / "pipeline" / "notes.md").write_text("3")
        (checkout / "settings.py").write_text("4")
        until(lambda: len(edits._edited) == 3)
        assert edits.settled() == frozenset()
        now[0] += 1
        files = edits.settled()
        assert {file.name for file in files} == {"a.py", "b.py", "settings.py"}
        assert edits.parts(files) == {"pipeline", "generator", "table_manager", "control_room"}
        assert edits.settled() == frozenset()


Lines = list[tuple[str, str]]


@pytest.fixture
def lines() -> Lines:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: Lines) -> Iterator[Supervisor]:
    made = Supervisor({}, tmp_path / "logs", lambda name, line: lines.append((name, line)))
    yield made
    made.kill()


def test_an_edited_part_starts_again_and_one_that_its_edit_ends_waits(
    checkout: Path, supervisor: Supervisor, lines: Lines
) -> None:
    code = checkout / "pipeline" / "code.py"
    code.write_text(SERVE)
    port = str(claim_port("test", LOOPBACK, 0))
    command = (sys.executable, str(code), port)
    supervisor.start([Process("pipeline", command, f"http://{LOOPBACK}:{port}/")])
    supervisor.wait_ready(["pipeline"])
    first, stopping, saved = supervisor.children["pipeline"].pid, threading.Event(), []
    said = [line for name, line in lines if name == WATCH]

    def says(*words: str) -> None:
        def found() -> bool:
            said[:] = [line for name, line in lines if name == WATCH]
            return bool(said) and all(word in said[-1] for word in words)

        until(found)

    with Edits(checkout) as edits:
        watching = Watching(
            supervisor, edits, supervisor._log, lambda: saved.append(supervisor.groups())
        )
        thread = threading.Thread(target=supervisor.watch, args=(stopping, watching.look))
        thread.start()
        code.write_text("def broken(:\n")
        says("code.py, line 1: invalid syntax")
        assert supervisor.children["pipeline"].pid == first
        code.write_text("raise SystemExit('no luck')\n")
        says("pipeline exited with 1", "no luck", "starts again when code changes")
        code.write_text(SERVE)
        says("pipeline serves again")
        assert thread.is_alive()
        stopping.set()
        thread.join()
    assert supervisor.children["pipeline"].pid != first
    assert saved[-1]["pipeline"][0] == supervisor.children["pipeline"].pid
