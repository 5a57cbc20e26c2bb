"""An emulator that EMULATORS puts into a container, or that runs already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from localgcp import environment
from localgcp.testing.backends import Here, chosen
from localgcp.testing.errors import Unavailable


def here() -> Here:
    """How an emulator that EMULATORS puts somewhere reaches what a test listens with."""
    return chosen().here()


@contextmanager
def elsewhere(service: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Its port on this machine, and what leads the official clients there."""
    backend = chosen()
    try:
        address = backend.start(service)
    except Unavailable as error:
        pytest.skip(str(error))
    try:
        yield int(address.rpartition(":")[2]), getattr(environment, service)(address)
    finally:
        backend.stop()
