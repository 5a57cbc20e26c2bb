"""What a process of a test finds installed: what its user has, not all that the tests need."""

from __future__ import annotations

import os
from pathlib import Path

LEAN = str(Path(__file__).parent / "lean")


def python_path(first: str = "") -> str:
    """PYTHONPATH for it: `first`, then what hides the tests' own packages, then the caller's."""
    return os.pathsep.join(filter(None, (first, LEAN, os.environ.get("PYTHONPATH"))))
