"""What holds for every test."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import settings

# How long an example takes depends on who else uses the machine; a test here is never about time.
settings.register_profile("untimed", deadline=None)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make inventories` gives it."""
    parser.addoption("--write", action="store_true", help="write the inventories and docs anew")


def pytest_configure(config: pytest.Config) -> None:
    """Have the SQL evaluator's machine code before the first test: once a machine, 20 s.

    Without it the first statement of the first emulator would wait for it.
    """
    if not hasattr(config, "workerinput") and find_spec("zetasql") and find_spec("wasmtime"):
        from localgcp import environment
        from localgcp.bigquery.googlesql.reference import compiled

        compiled.make(environment.cache_folder())


@pytest.fixture(scope="session")
def writing(request: pytest.FixtureRequest) -> bool:
    """Whether what is committed is to be written, not compared."""
    return bool(request.config.getoption("--write"))
