"""Free ports, each claimed by one program of this user at a time.

A port is free until somebody listens there. Two programs that look for one at the same moment, two
test processes say, could find the same; and who gives it to a process of its own to listen on
leaves it free for a second or more. So a claim locks one byte of a file that all of them share: the
port's. The kernel lets go of it with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

FREE_PORTS = range(20_000, 32_000)
"""Below those that a kernel gives to outgoing connections: one of these would now and then take a
port after it was chosen here and before its server listens."""
MOST_HELD = 1_000
"""A long test session claims thousands; by then the first are long in use, or given up."""
TRIED = 200


class Claims:
    """What this process has claimed. `file` is the same for all that should keep out of its way."""

    def __init__(self, file: Path) -> None:
        self._file, self._descriptor = file, -1
        self._held: deque[int] = deque()
        self._lock = threading.Lock()

    def take(self, is_free: Callable[[int], bool]) -> int | None:
        """Claim a port that nobody listens on and nobody has claimed; None if none is found."""
        with self._lock:
            for port in random.SystemRandom().sample(FREE_PORTS, k=TRIED):
                if port not in self._held and self._claimed(port):
                    if is_free(port):
                        self._hold(port)
                        return port
                    self._let_go(port)
        return None

    def _hold(self, port: int) -> None:
        self._held.append(port)
        if len(self._held) > MOST_HELD:
            self._let_go(self._held.popleft())

    def _claimed(self, port: int) -> bool:
        """Lock its byte. Where the file can't be had, there is nothing but the look."""
        with contextlib.suppress(OSError):
            if self._descriptor < 0:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                self._descriptor = os.open(self._file, flags, 0o600)
        if self._descriptor < 0:
            return True
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        return True

    def _let_go(self, port: int) -> None:
        if self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, port)


OURS = Claims(Path(tempfile.gettempdir()) / f"localgcp-ports-{os.getuid()}")
