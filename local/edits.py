"""Whose code a file is, and which files were edited: what `up --watch` goes by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

EMULATORS = ("pubsub", "storage", "bigquery", "console")
SERVICES = ("table_manager", "generator")
LOCALGCP = "emulators/src/localgcp"
WHOSE: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((f"{LOCALGCP}/{name}", (name,)) for name in EMULATORS),
    (f"{LOCALGCP}/beam", ("pipeline",)),
    (f"{LOCALGCP}/testing", ()),
    # Their face, and the guard that all have.
    (LOCALGCP, (*EMULATORS, *SERVICES, "pipeline", "control_room")),
    ("services/generator", ("generator",)),
    ("services/table_manager", ("table_manager",)),
    ("services", SERVICES),
    ("pipeline", ("pipeline",)),
    ("event_types", (*SERVICES, "pipeline")),
    ("local", ("control_room",)),
)
"""By folder, the innermost first: the parts that run what is in it."""
ROOT_MODULES = {
    "settings.py": (*SERVICES, "pipeline", "control_room"),
    "telemetry.py": (*SERVICES, "pipeline"),
}
"""What stands beside the folders."""
SETTLE_SECONDS = 0.3
"""An editor writes a file in more than one step, and a branch's files come one after another."""
_LOOKS = (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE)


def parts_of(file: Path) -> frozenset[str]:
    """The parts that run the code of `file`, a path in the checkout."""
    if file.suffix != ".py":
        return frozenset()
    if parts := ROOT_MODULES.get(str(file)):
        return frozenset(parts)
    return frozenset(
        next((parts for folder, parts in WHOSE if file.is_relative_to(folder)), ()),
    )


def unreadable(files: Iterable[Path]) -> str | None:
    """Why Python can't read one of them, as `FILE, line N: what`; None if it can read all."""
    for file in files:
        try:
            compile(file.read_bytes(), str(file), "exec")
        except SyntaxError as error:
            return f"{file.name}, line {error.lineno}: {error.msg}"
        except (OSError, ValueError):
            continue  # it is gone, or half written: another change will tell
    return None


class Edits(FileSystemEventHandler):
    """The files of a checkout that were edited, collected while the block lasts."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root.resolve(), clock
        self._lock = threading.Lock()
        self._edited: set[Path] = set()
        self._last = 0.0
        self._observer = Observer()

    def __enter__(self) -> Self:
        folders = {folder.partition("/")[0] for folder, _ in WHOSE} - {"emulators"}
        for name in sorted({*folders, LOCALGCP}):
            self._observer.schedule(self, str(self._root / name), recursive=True)
        self._observer.schedule(self, str(self._root), recursive=False)
        self._observer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a file that was written, moved or removed."""
        if event.is_directory or event.event_type in _LOOKS:
            return
        for path in (event.src_path, event.dest_path):
            file = Path(str(path))
            if not path or not file.is_relative_to(self._root):
                continue
            if parts_of(file.relative_to(self._root)):
                with self._lock:
                    self._edited.add(file)
                    self._last = self._clock()

    def settled(self) -> frozenset[Path]:
        """The files that were edited, once no more come for a moment; each is given once."""
        with self._lock:
            if not self._edited or self._clock() - self._last < SETTLE_SECONDS:
                return frozenset()
            found, self._edited = frozenset(self._edited), set()
            return found

    def parts(self, files: Iterable[Path]) -> frozenset[str]:
        """The parts that run the code of `files`, as `settled` gives them."""
        return frozenset().union(*(parts_of(file.relative_to(self._root)) for file in files))
