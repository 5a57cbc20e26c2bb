"""The fake-gcs-server process: started where only the front finds it, watched, never an orphan."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from localgcp import private
from localgcp.base import LOOPBACK, StartFailed, claim_port
from localgcp.launch import EndedEarly, Launched, Silent
from localgcp.storage.disk import binary

START_SECONDS = 10.0
STOP_SECONDS = 5.0
HOST = "front.invalid"
"""What the front calls the binary: the links in its answers begin so, and the front replaces it."""

# The binary takes this shell's place. Beside it waits a shell on a pipe from us: a line says that
# all ended in order, the pipe's end that we died, whatever killed us.
# It comes as stdin and is moved to 3, since dash knows descriptors of one digit alone.
_WATCHED = (
    "exec 3<&0 </dev/null; me=$$; "
    '(read -r _ <&3 || kill -KILL "$me") >/dev/null 2>&1 & exec "$@" 3<&-'
)


class BinaryProcess:
    """One fake-gcs-server with the filesystem backend, which keeps its data through a SIGKILL.

    It answers any Host and any Origin, and writes where a name leads, so nothing but the front may
    reach it. It listens on TCP alone; where all of 127/8 is this machine, as on Linux, its address
    is one of 16 million at random, which no web page can try.
    """

    def __init__(self, root: Path) -> None:
        self.host = _private_address()
        self.port = claim_port("storage's binary", self.host, 0)
        self.url = f"http://{self.host}:{self.port}"
        self._command = [
            str(binary.find()),
            *("-scheme", "http", "-host", self.host, "-port", str(self.port)),
            *("-public-host", HOST, "-external-url", f"http://{HOST}"),
            *("-backend", "filesystem", "-filesystem-root", str(root)),
            *("-log-level", "warn"),
        ]
        self._process: Launched | None = None
        self._lifeline: int | None = None

    def start(self) -> None:
        """Return once it answers. Raises StartFailed with what it said."""
        ours, self._lifeline = os.pipe()
        try:
            self._process = Launched(
                ["/bin/sh", "-c", _WATCHED, "storage", *self._command],
                stdin=ours,
                stdout=subprocess.DEVNULL,
                umask=private.OTHERS,
            )
        finally:
            os.close(ours)
        try:
            self._process.wait_ready(self._answers, START_SECONDS)
        except (EndedEarly, Silent) as why:
            self.stop()
            raise StartFailed("storage", f"fake-gcs-server at {self.url} {why}") from why

    @property
    def pid(self) -> int:
        """Its process id. Raises AttributeError before start."""
        assert self._process is not None
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.exit_code() is None

    def stop(self) -> None:
        """SIGTERM, then SIGKILL. Safe twice."""
        if self._process is None or self._lifeline is None:
            return
        self._process.end(STOP_SECONDS)
        _say_farewell(self._lifeline)
        self._lifeline = None

    def _answers(self) -> bool:
        try:
            request = Request(f"{self.url}/_internal/healthcheck", headers={"Host": HOST})
            with urlopen(request, timeout=2.0) as reply:
                return bool(reply.status == 200)
        except (URLError, OSError):
            return False


def _private_address() -> str:
    if sys.platform != "linux":
        return LOOPBACK
    dice = random.SystemRandom()
    return f"127.{dice.randint(1, 254)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


def _say_farewell(lifeline: int) -> None:
    try:
        os.write(lifeline, b"\n")
    except BrokenPipeError:
        pass  # the watching shell ended first
    finally:
        os.close(lifeline)
