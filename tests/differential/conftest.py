"""The option for how long the engines are compared."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`tox -e differential -- --queries 20000` takes ten times as long."""
    parser.addoption("--queries", type=int, default=2000, help="how many queries are compared")
