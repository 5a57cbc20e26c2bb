"""A stack's whole state as one folder, taken while events flow: all of it at one instant.

Every process that keeps something is stopped by the kernel (SIGSTOP) while its files are copied,
and then goes on. To the copy that is a kill of all of them at once, which each recovers from.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.errors import BadSnapshot, Unusable
from local.stack import Stack
from local.state import held, is_held

FOLDER = "snapshots"
CONTENT = ("published.jsonl", "pubsub", "bigquery", "storage", "drafts")
FROZEN = ("generator", "pipeline", "table_manager", "pubsub", "bigquery", "storage")
ABOUT = "snapshot.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Snapshot:
    """One of them, a folder of its name."""

    name: str
    taken: str
    """RFC 3339."""
    size: int
    """Bytes of all its files."""
    seconds: float = 0.0
    """How long the stack stood still for it."""


def save(data_dir: Path, stack: Stack | None, name: str) -> Snapshot:
    """Take one of the stack, or of the folder where none runs. Raises BadSnapshot, Unusable."""
    folder = _folder(data_dir, name)
    if folder.exists():
        raise BadSnapshot(f"there is a snapshot {name!r} already")
    draft = data_dir / FOLDER / f".{name}.new"
    try:
        draft.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with _frozen(stack):
            for each in CONTENT:
                _copy(data_dir / each, draft / each)
            seconds = round(time.monotonic() - began, 3)
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        (draft / ABOUT).write_text(json.dumps({"taken": taken, "seconds": seconds}))
        draft.rename(folder)
    except OSError as error:
        raise Unusable(folder.parent, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Snapshot(name, taken, _size(folder), seconds)


def load(data_dir: Path, name: str) -> Snapshot:
    """Put a snapshot in place of what the folder keeps; no stack may run on it.

    Raises BadSnapshot for a name that is none or where a stack runs, and Unusable.
    """
    found = named(data_dir, name)
    if is_held(data_dir):
        raise BadSnapshot("a stack runs here: stop it with `python -m local down`, then load")
    fresh = data_dir / FOLDER / f".{name}.load"
    try:
        with held(data_dir):
            # Copied whole first, then swapped: a full disk leaves the folder as it was.
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(_folder(data_dir, name), fresh)
            for each in CONTENT:
                _remove(data_dir / each)
                if (fresh / each).exists():
                    (fresh / each).rename(data_dir / each)
    except OSError as error:
        raise Unusable(data_dir, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return found


def named(data_dir: Path, name: str) -> Snapshot:
    """The snapshot of this name. Raises BadSnapshot, naming those that there are."""
    known = all_of(data_dir)
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in known) or "none"
        raise BadSnapshot(f"no snapshot {name!r}; there are: {names}")
    return found


def all_of(data_dir: Path) -> list[Snapshot]:
    """Every snapshot, the newest first."""
    found = []
    for about in (data_dir / FOLDER).glob(f"[!.]*/{ABOUT}"):
        told = json.loads(about.read_text())
        size = _size(about.parent)
        found.append(Snapshot(about.parent.name, told["taken"], size, told["seconds"]))
    return sorted(found, key=lambda each: each.taken, reverse=True)


def as_json(found: Snapshot) -> dict[str, object]:
    """As the command and the page tell it."""
    return asdict(found)


def _folder(data_dir: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadSnapshot(f"a name has letters, digits, '.', '_' and '-'; got {name!r}")
    return data_dir / FOLDER / name


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


@contextlib.contextmanager
def _frozen(stack: Stack | None) -> Iterator[None]:
    """Stop the processes of a stack, whole groups, and let them go on after the block."""
    groups = [] if stack is None else [stack.children[name][0] for name in FROZEN]
    try:
        for group in groups:
            os.killpg(group, signal.SIGSTOP)
        yield
    except ProcessLookupError as error:
        raise BadSnapshot("a part of the stack ended meanwhile") from error
    finally:
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGCONT)


def _copy(source: Path, target: Path) -> None:
    # With extended attributes, where fake-gcs-server has an object's metadata; an archive of
    # Python's tarfile would drop them, and the objects with them.
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
