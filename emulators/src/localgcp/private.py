"""What a program keeps is its user's alone: files 0600, folders 0700.

Published events, queries and results are as private as the user's own files; on a shared machine
the usual umask lets everyone read them.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS = 0o077
"""The bits of a mode that are not the owner's."""


@contextlib.contextmanager
def files() -> Iterator[None]:
    """Whatever this process and its children make inside of the block is the user's alone."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def close(folder: Path, kept: Iterable[str] = ()) -> None:
    """Make `folder`, or shut one that others may enter; what they could reach of `kept` too.

    `kept` are names in the folder, taken with all below them; other names there are not touched.
    A folder that is everyone's, like /tmp, and what somebody else owns stay as they are; no
    symbolic link within is followed. Raises OSError where the folder can't be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder.resolve()  # the one name here that may be a link: its user gave it
    if not stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        return  # nobody else gets past it
    for name in kept:
        _shut_all(folder / name)
    if folder != folder.parent:
        _shut(folder)  # last: a walk cut short is made again


def _shut_all(path: Path) -> None:
    if path.is_symlink():
        return
    _shut(path)
    for top, folders, names in os.walk(path):
        for name in (*folders, *names):
            _shut(Path(top, name))


def _shut(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat()
        shared = stat.S_ISDIR(mode.st_mode) and mode.st_mode & stat.S_ISVTX
        if mode.st_uid == os.geteuid() and not stat.S_ISLNK(mode.st_mode) and not shared:
            path.chmod(stat.S_IMODE(mode.st_mode) & ~OTHERS)
