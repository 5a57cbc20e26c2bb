"""Whether a data folder still takes writes: what an emulator's health page says of its disk."""

from __future__ import annotations

import os
from pathlib import Path

LEAST_FREE = 16 << 20
"""Bytes below which a disk counts as full: the next few requests would find it so."""


def trouble(data_dir: Path | None) -> str | None:
    """Why nothing more can be kept in `data_dir`; None if it can, or if all is in memory."""
    if data_dir is None:
        return None
    try:
        found = os.statvfs(data_dir)
    except OSError as error:
        return f"the data folder {data_dir} can't be used: {error.strerror}"
    if found.f_flag & os.ST_RDONLY:
        return f"the data folder {data_dir} is read-only"
    free = found.f_bavail * found.f_frsize
    if free < LEAST_FREE:
        return (
            f"the disk of the data folder {data_dir} is full: {free / 1e6:.1f} MB are free, "
            f"and {LEAST_FREE / 1e6:.1f} MB are needed"
        )
    return None
