"""The wheel as a stranger has it: a new environment, and a project whose folders bear our names."""

from __future__ import annotations

import platform
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from localgcp.environment import cache_folder
from tests.integration.outside import EMULATORS, ROOT, example

CACHE = {"LOCALGCP_CACHE": str(cache_folder())}

MINE = 'raise RuntimeError("this is the guest\'s own, and nobody else imports it")\n'
GUEST = """
import testing.mine
import settings


def test_the_folders_are_mine():
    assert settings.OWNER == "guest"
    assert testing.mine.OWNER == "guest"
"""


def uv(*args: str | Path, cwd: Path = ROOT) -> str:
    """One uv command's output; fails with what it said."""
    done = subprocess.run(
        ["uv", *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "-q", "--wheel", "--out-dir", folder, EMULATORS)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_one_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"localgcp"}
    assert "localgcp/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_application_is_no_wheel(tmp_path: Path) -> None:
    done = subprocess.run(
        ["uv", "build", "-q", "--wheel", "--offline", "--out-dir", tmp_path, ROOT],
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert not list(tmp_path.glob("*.whl"))


def test_a_guest_runs_beside_folders_of_our_names(wheel: Path, tmp_path: Path) -> None:
    home, guest = tmp_path / "venv", tmp_path / "guest"
    uv("venv", "-q", "--python", sys.executable, home)
    locked = ("-c", ROOT / "requirements" / "dev.txt")
    uv("pip", "install", "-q", "--python", home, *locked, f"{wheel}[pytest]")
    for name in ("emulators", "local", "services", "pipeline", "event_types", "testing"):
        (guest / name).mkdir(parents=True)
        (guest / name / "__init__.py").write_text("" if name == "testing" else MINE)
    (guest / "testing" / "mine.py").write_text('OWNER = "guest"\n')
    (guest / "settings.py").write_text('OWNER = "guest"\n')
    (guest / "test_guest.py").write_text(example() + GUEST)
    done = subprocess.run(
        [home / "bin" / "python", "-m", "pytest", "-W", "error", "-q"],
        cwd=guest,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **CACHE},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    version = tomllib.loads((EMULATORS / "pyproject.toml").read_text())["project"]["version"]
    said = subprocess.run(
        [home / "bin" / "localgcp", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"localgcp {version}, Python {platform.python_version()}\n"
