"""The emulators by name: what the command line, the plugin and a supervisor build."""

from __future__ import annotations

import importlib
from pathlib import Path

from localgcp.base import Emulator
from localgcp.guard import NOBODY_ELSE, Allowed

# Imported by name, so that starting one does not load the others.
CLASSES = {
    "pubsub": "localgcp.pubsub.emulator:PubSubEmulator",
    "bigquery": "localgcp.bigquery.emulator:BigQueryEmulator",
    "storage": "localgcp.storage.emulator:StorageEmulator",
    "console": "localgcp.console.emulator:ConsoleEmulator",
}


def build(
    name: str,
    host: str,
    port: int,
    data_dir: Path | None,
    allowed: Allowed = NOBODY_ELSE,
    **own: str | bool | int | Path,
) -> Emulator:
    """Make the emulator called `name`, not yet started; `own` is what that one alone takes.

    Raises KeyError for an unknown name.
    """
    module, _, cls = CLASSES[name].partition(":")
    emulator: Emulator = getattr(importlib.import_module(module), cls)(
        host=host, port=port, data_dir=data_dir, allowed=allowed, **own
    )
    return emulator
