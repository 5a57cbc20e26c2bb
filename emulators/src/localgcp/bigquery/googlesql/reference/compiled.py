"""The machine code of the evaluator: compiled once on a machine, then mapped from a file.

To compile takes 10 to 20 s of one or two cores and 1 GB; to map what was made, 2 ms. The file is
private to the user, since whoever writes it decides what this process runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from wasmtime import Config, Engine, Module, WasmtimeError
from zetasql.wasi import get_wasm_path

LOW_PRIORITY = 10


def file_in(folder: Path) -> Path:
    """Where the machine code is kept: one file for each pair of versions."""
    wasm = Path(get_wasm_path())
    key = f"{version('zetasql')} {version('wasmtime')} {wasm.stat().st_size}"
    return folder / f"zetasql-{hashlib.sha256(key.encode()).hexdigest()[:16]}.cwasm"


def is_made(folder: Path) -> bool:
    """Whether the machine code is there."""
    return _is_ours(file_in(folder))


def new_engine() -> Engine:
    """An engine that runs it; the file fits an engine of the same settings alone."""
    config = Config()
    config.shared_memory = True  # the module imports it so
    return Engine(config)


def load(engine: Engine, folder: Path) -> Module:
    """The module, from the file, which is made first where there is none. Raises WasmtimeError."""
    path = file_in(folder)
    module = _mapped(engine, path)
    if module is None:
        _make(path)
        module = _mapped(engine, path)
    # Where nothing can be kept, each process compiles for itself.
    return module or Module.from_file(engine, str(get_wasm_path()))


def make(folder: Path) -> None:
    """See that the file is there; of several processes one compiles, and the others wait."""
    path = file_in(folder)
    if _mapped(new_engine(), path) is None:
        _make(path)


def _make(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_ours(path):
                # A process of its own, because the gigabyte that it takes would never be given
                # back, and a low priority, because somebody waits for other things just now. The
                # lock is its own as well, so that it finishes even if nobody waits any more.
                subprocess.run(
                    [sys.executable, "-m", __name__, str(path)],
                    check=False,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(lock.fileno(),),
                )


def _mapped(engine: Engine, path: Path) -> Module | None:
    if not _is_ours(path):
        return None
    try:
        return Module.deserialize_file(engine, str(path))
    except WasmtimeError:  # made for another processor, or cut short
        path.unlink(missing_ok=True)
        return None


def _is_ours(path: Path) -> bool:
    """Whether it is a file that nobody else can have written."""
    try:
        found = path.lstat()
    except OSError:
        return False
    private = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and private


def _compile(path: Path) -> None:
    """Write it whole or not at all. Raises OSError, WasmtimeError."""
    os.nice(LOW_PRIORITY)
    code = Module.from_file(new_engine(), str(get_wasm_path())).serialize()
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as half:  # mode 0600
        half.write(code)
    Path(half.name).replace(path)


if __name__ == "__main__":
    _compile(Path(sys.argv[1]))
