"""Goes back to a snapshot while a stack runs: its supervisor is asked to, by a file.

The supervisor ends its processes with no drain, since all that they hold is thrown away, loads the
snapshot, and starts them again at the same ports.
"""

from __future__ import annotations

import time
from pathlib import Path

from local import snapshots
from local.errors import BadSnapshot, NoStack, Starting, Unusable
from local.stack import Stack
from local.state import is_held, running

REQUEST = "restore"
BACK_SECONDS, LOOK_SECONDS = 180.0, 0.2


def ask(data_dir: Path, name: str) -> snapshots.Snapshot:
    """Have the supervisor go back to a snapshot, soon. Raises BadSnapshot, NoStack, Unusable."""
    found = snapshots.named(data_dir, name)
    if not is_held(data_dir):
        raise NoStack(data_dir)
    try:
        draft = data_dir / f"{REQUEST}.new"
        draft.write_text(name)
        draft.replace(data_dir / REQUEST)
    except OSError as error:
        raise Unusable(data_dir, error) from error
    return found


def is_asked(data_dir: Path) -> bool:
    """Whether somebody wants to go back."""
    return (data_dir / REQUEST).exists()


def take(data_dir: Path) -> str | None:
    """The snapshot that was asked for, once; None where none was."""
    request = data_dir / REQUEST
    try:
        name = request.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    request.unlink(missing_ok=True)
    return name


def load(data_dir: Path, name: str) -> snapshots.Snapshot:
    """Go back to a snapshot of a running stack; returns once it serves again.

    Raises BadSnapshot, NoStack, Starting, Unusable.
    """
    before = running(data_dir)
    found = ask(data_dir, name)
    deadline = time.monotonic() + BACK_SECONDS
    while not _is_back(data_dir, before):
        if time.monotonic() > deadline:
            raise BadSnapshot(f"the stack did not come back within {BACK_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
    return found


def _is_back(data_dir: Path, before: Stack) -> bool:
    try:
        return running(data_dir).children != before.children
    except (NoStack, Starting):
        return False
