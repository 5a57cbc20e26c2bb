"""What a command can fail with; each text says what to do next."""

from __future__ import annotations

from pathlib import Path


class LocalError(Exception):
    """Base of all that a command reports in one line instead of a traceback."""


class NoStack(LocalError):
    """A command needs a running stack and there is none."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(f"no stack runs on {data_dir}; start one with `python -m local up`")


class StackRuns(LocalError):
    """A second stack was asked for on a folder that has one."""

    def __init__(self, data_dir: Path, pid: int) -> None:
        super().__init__(
            f"a stack runs on {data_dir} already (process {pid}); "
            "stop it with `python -m local down`, or set LOCAL_DATA_DIR"
        )


class PortTaken(LocalError):
    """A port that the stack wants is in use."""

    def __init__(self, setting: str, port: int) -> None:
        self.setting, self.port = setting, port
        super().__init__(
            f"port {port} is in use; stop what holds it, or set {setting} (0 takes a free port)"
        )


class NotReady(LocalError):
    """A process of the stack did not get ready in time, or ended before."""

    def __init__(self, process: str, why: str, log: Path) -> None:
        super().__init__(f"{process} {why}; its log is {log}")


class NotSent(LocalError):
    """A message could not be published."""


class BadQuery(LocalError):
    """BigQuery refused a query."""


class NoRules(LocalError):
    """The alert rules can't be read."""

    def __init__(self, file: Path, why: Exception) -> None:
        super().__init__(f"no alert rules in {file}: {why}")
