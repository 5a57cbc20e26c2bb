"""What a command can fail with; each text says what to do next."""

from __future__ import annotations

from pathlib import Path


class LocalError(Exception):
    """Base of all that a command reports in one line instead of a traceback."""


class NoStack(LocalError):
    """A command needs a running stack and there is none."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"no stack runs on {data_dir}; start one with `python -m local up`")


class Starting(LocalError):
    """A command needs a stack that serves, and this one does not yet."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"the stack on {data_dir} is starting; wait for it with --wait SECONDS, "
            "or start it with `up --detach`, which returns when it serves"
        )


class StackRuns(LocalError):
    """A second stack was asked for on a folder that has one."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"a stack runs on {data_dir} already; "
            "stop it with `python -m local down`, or set LOCAL_DATA_DIR"
        )


class StillStopping(LocalError):
    """A stack was asked to stop, and takes too long."""

    def __init__(self, data_dir: Path, pid: int) -> None:
        super().__init__(f"the stack on {data_dir} (process {pid}) is still stopping; ask again")


class NotStarted(LocalError):
    """A detached stack ended before it served; its own last line says why."""


class BrokenState(LocalError):
    """The file that says which stack runs can't be understood."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} is broken; remove it, or `python -m local up` writes it anew")


class Unusable(LocalError):
    """The data folder can't be made, or written to."""

    def __init__(self, data_dir: Path, why: OSError) -> None:
        is_file = isinstance(why, FileExistsError | NotADirectoryError)
        super().__init__(
            f"the data folder {data_dir} can't be used: "
            f"{'it, or one above it, is a file' if is_file else why.strerror}; "
            "set LOCAL_DATA_DIR, or --data-dir, to another"
        )


class PortTaken(LocalError):
    """A port that the stack wants is in use."""

    def __init__(self, setting: str, port: int, holder: str | None = None) -> None:
        self.setting, self.port = setting, port
        by = f" by {holder}" if holder else ""
        super().__init__(
            f"port {port} is in use{by}; stop it, or set {setting} (0 takes a free port)"
        )


class NotReady(LocalError):
    """A process of the stack did not get ready in time, or ended before."""

    def __init__(self, process: str, why: str, log: Path, last_line: str = "") -> None:
        said = f": {last_line}" if last_line else ""
        super().__init__(f"{process} {why}{said}; its log is {log}")


class NoLogs(LocalError):
    """No stack has written a log here."""

    def __init__(self, logs: Path) -> None:
        super().__init__(f"there are no logs in {logs}; in containers: docker compose logs")


class NotSent(LocalError):
    """A message could not be published."""


class NoLetter(LocalError):
    """No dead letter has this event id."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"no dead letter of the event {event_id!r}")


class BadEdit(LocalError):
    """A payload can't be changed so."""


class NoSwitch(LocalError):
    """No fault, or no emulator, has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no {name!r}; there are {', '.join(known)}")


class NotDone(LocalError):
    """A part of the stack refused what it was asked."""


class BadSnapshot(LocalError):
    """A snapshot can't be taken, found or put back."""


class BadQuery(LocalError):
    """BigQuery refused a query."""


class NoSuchType(LocalError):
    """No event type has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no event type {name!r}; there are {', '.join(known)}")


class NoSuchPlace(LocalError):
    """No topic and no subscription has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no topic or subscription {name!r}; there are {', '.join(known)}")


class NoRules(LocalError):
    """The alert rules can't be read."""

    def __init__(self, file: Path, why: Exception) -> None:
        super().__init__(f"no alert rules in {file}: {why}")
