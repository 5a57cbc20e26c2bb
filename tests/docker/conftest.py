"""Stacks in containers. Without an engine every test here is skipped, and says so."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker.compose import ROOT, ComposeStack, why_no_engine

Tell = Callable[[str], None]
HERE, TEST_SECONDS = Path(__file__).parent, 3600  # each wait has a limit of its own
FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.stash[FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[FIGURES]:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def tell(pytestconfig: pytest.Config) -> Tell:
    """Adds a line to what the run ends with."""
    return pytestconfig.stash[FIGURES].append


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Skips where no engine answers."""
    why = why_no_engine()
    if why is not None:
        pytest.skip(why)


@pytest.fixture(scope="session")
def built(engine: None, tell: Tell) -> None:
    """The images are built."""
    began = time.monotonic()
    subprocess.run(["docker", "compose", "build", "--quiet"], cwd=ROOT, check=True)
    tell(f"docker compose build: {time.monotonic() - began:.1f} s")


@pytest.fixture(scope="module")
def stack(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """A running stack that the tests of one module share."""
    made = ComposeStack(tmp_path_factory.mktemp("compose"))
    try:
        made.up()
        yield made
    finally:
        made.stop()


@pytest.fixture
def own_stack(built: None, tmp_path: Path) -> Iterator[ComposeStack]:
    """Not started yet; removed after the test."""
    made = ComposeStack(tmp_path)
    yield made
    made.stop()
