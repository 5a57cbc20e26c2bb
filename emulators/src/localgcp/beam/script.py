"""Runs a user's own Beam script on LocalRunner, with nothing changed in it.

Whatever runner the script or its options name, by name or by default, LocalRunner runs it; each
time it takes another's place it says so. Only a runner that the script builds itself, as an object,
stays what it is.
"""

from __future__ import annotations

import logging
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.runners import runner as beam_runners

from localgcp.beam import cloud, job

OURS = "localgcp.beam.LocalRunner"

log = logging.getLogger(__name__)


class NoScript(Exception):
    """There is nothing to run under that name."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no script at {path}: give the path of a Python file")


def run(script: Path, args: Sequence[str]) -> int:
    """Run `script` as `python SCRIPT ARGS` would, and return its exit code.

    The environment leads its clients, and must be set before. Raises NoScript, and whatever the
    script raises.
    """
    if not script.is_file():
        raise NoScript(script)
    take_over()
    sys.argv = [str(script), *args]
    # As `python SCRIPT` does: what lies beside the script can be imported.
    sys.path.insert(0, str(script.resolve().parent))
    code = 0
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        code = _code(end)
    # Stock runners have done a bounded job before `run()` returns, so many a script does not wait.
    for started in list(job.bounded):
        started.wait_until_finish()
    return code


def take_over() -> None:
    """From now on each name of a runner means LocalRunner, in this process.

    Beam's own clients go where `cloud` says.
    """
    cloud.lead()
    names = beam_runners._RUNNER_MAP
    for name in names:
        names[name] = OURS
    StandardOptions.DEFAULT_RUNNER = OURS
    create = beam_runners.create_runner

    def create_and_say(name: str) -> beam_runners.PipelineRunner:
        runner = create(OURS if name.startswith("apache_beam.") else name)
        if name != OURS:
            log.warning("%s was asked for; LocalRunner runs it here", name)
        return runner

    # Pipeline has imported the function under its own name.
    sys.modules["apache_beam.pipeline"].create_runner = create_and_say  # type: ignore[attr-defined]


def _code(end: SystemExit) -> int:
    """What the shell sees of sys.exit(): a number as it is, nothing as 0, a text as 1."""
    if isinstance(end.code, int):
        return end.code
    if end.code is None:
        return 0
    sys.stderr.write(f"{end.code}\n")
    return 1
