"""How the emulator says that it lacks something, over gRPC."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from google.api_core import exceptions


def refused(what: str) -> AbstractContextManager[object]:
    """UNIMPLEMENTED, with a text that names the method or the field."""
    text = rf"not supported by the emulator: .*\b{what}$"
    return pytest.raises(exceptions.MethodNotImplemented, match=text)
