"""What a container's program writes goes on, and is kept in a file besides."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOGGED = Path(__file__).parents[2] / "docker" / "logged.py"


def logged(file: Path, code: str) -> subprocess.Popen[bytes]:
    """A program of Python below it; its stderr is both outputs of the program."""
    command = [sys.executable, "-IS", str(LOGGED), str(file), sys.executable, "-IS", "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_both_outputs_go_on_and_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "part.log"
    file.write_text("before\n")
    code = "import os, sys; os.write(1, b'out\\n'); os.write(2, b'err\\n'); sys.exit(7)"
    program = logged(file, code)
    _, said = program.communicate(timeout=30)
    assert (program.returncode, said) == (7, b"out\nerr\n")
    assert file.read_text() == "before\nout\nerr\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_the_program_s_to_answer(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import os, signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: (os.write(2, b'drained\\n'), os._exit(3)))\n"
        "os.write(2, b'ready\\n')\n"
        "while True: signal.pause()"
    )
    program = logged(tmp_path / "part.log", code)
    assert program.stderr is not None
    assert program.stderr.readline() == b"ready\n"
    program.send_signal(number)
    _, said = program.communicate(timeout=30)
    assert (program.returncode, said) == (3, b"drained\n")


def test_a_program_that_was_killed_ends_as_shells_say_it(tmp_path: Path) -> None:
    program = logged(tmp_path / "part.log", "import os; os.kill(os.getpid(), 9)")
    program.communicate(timeout=30)
    assert program.returncode == 128 + 9


def test_it_goes_on_where_nothing_can_be_kept(tmp_path: Path) -> None:
    program = logged(tmp_path / "absent" / "part.log", "import os; os.write(2, b'well\\n')")
    assert program.communicate(timeout=30)[1] == b"well\n"
    assert program.returncode == 0


def test_what_the_program_left_behind_does_not_hold_it(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "if os.fork() == 0: time.sleep(5); os._exit(0)\n"
        "os.write(2, b'bye\\n'); os._exit(0)"
    )
    with logged(tmp_path / "part.log", code) as program:
        assert program.stderr is not None
        assert program.wait(timeout=30) == 0
        assert program.stderr.readline() == b"bye\n"


def test_a_long_log_is_begun_anew_at_a_line_s_end(tmp_path: Path) -> None:
    file = tmp_path / "part.log"
    code = (
        "import os\n"
        "with os.fdopen(2, 'wb') as out:\n"
        "    for _ in range(11): out.write((b'x' * 999 + b'\\n') * 1000)\n"
        "    out.flush(); out.write(b'after\\n')"
    )
    program = logged(file, code)
    program.communicate(timeout=60)
    older = (tmp_path / "part.log.1").read_bytes()
    newer = file.read_bytes()
    assert len(older) > 10_000_000
    assert older.endswith(b"\n")
    assert (older + newer).endswith(b"x\nafter\n")
    assert len(older + newer) == 11_000_006
