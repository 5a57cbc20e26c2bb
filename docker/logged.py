#!/usr/local/bin/python -IS
"""For containers: `logged FILE PROGRAM ...` runs a program and keeps what it writes in FILE too.

The engine has it from this process's stderr, as ever; from FILE, on a volume, the console and
`local logs` read it. FILE is begun anew at 10 MB, and the one before is FILE.1. Where it can't be
written, the program goes on without. Signals go to the program, whose exit code is this one's.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

MOST_BYTES = 10_000_000
PIECE_BYTES = 65_536
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LAST_WORDS_SECONDS = 1.0


class Copy:
    """FILE, for as long as it can be written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, piece: bytes) -> None:
        """Append; where it has become too long, begin anew after the piece's last whole line."""
        try:
            size = self._append(piece[: (end := piece.rfind(b"\n") + 1)])
            if end and size > MOST_BYTES:
                self._path.replace(f"{self._path}.1")
            self._append(piece[end:])
        except OSError:
            pass

    def _append(self, piece: bytes) -> int:
        """The file's length then. Raises OSError."""
        with self._path.open("ab") as file:
            file.write(piece)
            return file.tell()


def run(path: Path, command: list[str]) -> int:
    """The program's exit code; 128 and the number of a signal that ended it, as shells say it."""
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for each in HANDED_ON:
        signal.signal(each, lambda number, _: program.send_signal(number))
    assert program.stdout is not None
    reading = threading.Thread(
        target=_copy, args=(program.stdout.fileno(), Copy(path)), daemon=True
    )
    reading.start()
    code = program.wait()
    # A process that it left behind may hold the pipe open for ever.
    reading.join(LAST_WORDS_SECONDS)
    return 128 - code if code < 0 else code


def _copy(source: int, copy: Copy) -> None:
    while piece := os.read(source, PIECE_BYTES):
        rest = piece
        while rest:
            rest = rest[os.write(2, rest) :]
        copy.add(piece)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
