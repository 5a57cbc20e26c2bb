"""Who listens on a port, so that a refusal can name it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

SHOWN = 60
LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp (proc_pid_net(5))."""


def holder(port: int) -> str | None:
    """`process 12 (its command line)`; None where this user can't know, or nobody listens."""
    pid = _by_proc(port) if Path("/proc/net/tcp").exists() else _by_lsof(port)
    if pid is None:
        return None
    asked = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    command = asked.stdout.strip()
    shown = command if len(command) <= SHOWN else f"{command[: SHOWN - 1]}…"
    return f"process {pid} ({shown})" if shown else f"process {pid}"


def _by_proc(port: int) -> int | None:
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return None
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # another user's, or gone meanwhile
            if str(link.readlink()) in sockets:
                return int(link.parts[2])
    return None


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen on `port`."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _by_lsof(port: int) -> int | None:
    if not shutil.which("lsof"):
        return None
    asked = subprocess.run(
        ["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"],
        capture_output=True,
        text=True,
        check=False,
    )
    return next((int(line) for line in asked.stdout.split()), None)
