"""Free ports, for programs that look for one at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localgcp import ports
from localgcp.ports import Claims

OTHER = """
import sys
from pathlib import Path
from localgcp.ports import Claims
claims = Claims(Path(sys.argv[1]))
for line in sys.stdin:
    print(claims.take(lambda port: True) or "none", flush=True)
"""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten ports, so that nobody misses another's by luck."""
    monkeypatch.setattr(ports, "FREE_PORTS", range(20_000, 20_010))
    monkeypatch.setattr(ports, "TRIED", 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ports"


@pytest.fixture
def other(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program, which claims one of the ten for each line that it reads."""
    few = "from localgcp import ports; ports.FREE_PORTS, ports.TRIED = range(20_000, 20_010), 10\n"
    with subprocess.Popen(
        [sys.executable, "-c", few + OTHER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def claimed(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("1\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_two_programs_share_no_port_and_a_dead_one_holds_none(
    file: Path, other: subprocess.Popen[str]
) -> None:
    claims = Claims(file)
    ours = [claims.take(lambda port: True) for _ in range(6)]
    theirs = {int(claimed(other)) for _ in range(4)}
    assert {*ours} | theirs == {*range(20_000, 20_010)}
    assert claims.take(lambda port: True) is None
    assert claimed(other) == "none"
    other.kill()
    other.wait()
    assert {claims.take(lambda port: True) for _ in range(4)} == theirs


def test_a_port_that_somebody_listens_on_is_left_to_others(
    file: Path, other: subprocess.Popen[str]
) -> None:
    claims = Claims(file)
    assert claims.take(lambda port: port == 20_007) == 20_007
    assert {int(claimed(other)) for _ in range(9)} == {*range(20_000, 20_010)} - {20_007}


def test_the_oldest_claims_give_way(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "MOST_HELD", 3)
    claims = Claims(file)
    first = claims.take(lambda port: True)
    others = {claims.take(lambda port: True) for _ in range(3)}
    assert first not in others
    assert claims.take(lambda port: port == first) == first


def test_without_the_file_there_is_the_look_alone(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.symlink_to(tmp_path / "elsewhere")
    for file in (tmp_path / "no folder" / "ports", trap):
        assert Claims(file).take(lambda port: port == 20_003) == 20_003
    assert not (tmp_path / "elsewhere").exists()


def test_the_file_is_the_users_own(file: Path) -> None:
    assert Claims(file).take(lambda port: True) is not None
    assert file.stat().st_mode & 0o777 == 0o600
    assert ports.OURS._file.name.endswith(f"-{os.getuid()}")
