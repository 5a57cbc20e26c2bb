"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long an example takes depends on who else uses the machine; a test here is never about time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make inventories` gives it."""
    parser.addoption("--write", action="store_true", help="write the inventories and docs anew")


@pytest.fixture(scope="session")
def writing(request: pytest.FixtureRequest) -> bool:
    """Whether what is committed is to be written, not compared."""
    return bool(request.config.getoption("--write"))
