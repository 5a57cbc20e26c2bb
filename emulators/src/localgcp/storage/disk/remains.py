"""What a kill left of the binary's writes: put aside, since the binary cannot list beside it.

The binary writes a hidden file, renames it, then sets its metadata. A file without metadata is of
a write that was never answered, and makes every listing of its bucket fail.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "LEFT-"
"""Of the files put aside, beside the buckets' folders: no bucket's name has capitals."""
_ATTRIBUTE = "user.metadata"
_SIDECAR = ".metadata"
_BUCKET = ".bucketMetadata"


def put_aside(root: Path) -> list[Path]:
    """Move each such file out of its bucket, before the binary starts; answers with what it moved.

    Folders that no bucket was made of are not looked at.
    """
    moved = []
    for file in list(_unfinished(root)):
        aside = root / f"{PREFIX}{secrets.token_hex(8)}"
        log.warning("%s is of a write that was not answered; it is now %s", file, aside.name)
        file.rename(aside)
        moved.append(aside)
    return moved


def _unfinished(root: Path) -> Iterator[Path]:
    for mark in root.glob(f"*{_BUCKET}"):
        for file in (root / mark.name.removesuffix(_BUCKET)).rglob("*"):
            if file.is_file() and not file.name.endswith(_SIDECAR) and not _has_metadata(file):
                yield file


def _has_metadata(file: Path) -> bool:
    if file.with_name(file.name + _SIDECAR).exists():
        return True
    if not hasattr(os, "listxattr"):
        return True  # not of Linux: it cannot be told, so nothing is moved
    try:
        return _ATTRIBUTE in os.listxattr(file)
    except OSError:
        return False
