"""The machine code of the evaluator: compiled once on a machine, then mapped from a file.

To compile takes 10 to 20 s of one or two cores and 1 GB; to map what was made, 2 ms. The file is
private to the user, since whoever writes it decides what this process runs.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

from wasmtime import Config, Engine, Module, WasmtimeError
from zetasql.wasi import get_wasm_path


def file_in(folder: Path) -> Path:
    """Where the machine code is kept: one file for each pair of versions."""
    wasm = Path(get_wasm_path())
    key = f"{version('zetasql')} {version('wasmtime')} {wasm.stat().st_size}"
    return folder / f"zetasql-{hashlib.sha256(key.encode()).hexdigest()[:16]}.cwasm"


def new_engine() -> Engine:
    """An engine that runs it; the file fits an engine of the same settings alone."""
    config = Config()
    config.shared_memory = True  # the module imports it so
    return Engine(config)


def load(engine: Engine, folder: Path) -> Module:
    """The module, from the file or compiled now and kept. Raises OSError where neither works."""
    path = file_in(folder)
    if _is_ours(path):
        try:
            return Module.deserialize_file(engine, str(path))
        except WasmtimeError:  # made for another processor, or cut short
            path.unlink(missing_ok=True)
    module = Module.from_file(engine, str(get_wasm_path()))
    _keep(module.serialize(), path)
    return module


def _is_ours(path: Path) -> bool:
    """Whether it is a file that nobody else can have written."""
    try:
        found = path.lstat()
    except OSError:
        return False
    private = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and private


def _keep(code: bytes | bytearray, path: Path) -> None:
    """Write it whole or not at all; where it can't be kept, the next start compiles again."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as half:  # mode 0600
            half.write(code)
        Path(half.name).replace(path)
    except OSError:
        return
