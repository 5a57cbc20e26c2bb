"""2 · Makes the folder that a Cloud Function is deployed from.

`python -m services.table_manager.stage DIR`: main.py at the top, as the buildpack wants it,
requirements.txt, and only the code that the function imports.
"""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRY = "services/table_manager/main.py"
REQUIREMENTS = "requirements/table_manager.txt"
CODE = (
    "settings.py",
    "telemetry.py",
    "event_types",
    "services/__init__.py",
    "services/guard.py",
    "services/logs.py",
    "services/table_manager",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "main.py", "stage.py")


class NotEmpty(Exception):
    """The folder holds something already."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty; name a new folder")


def stage(folder: Path) -> None:
    """Fill a new or empty folder. Raises NotEmpty."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotEmpty(folder)
    for name in CODE:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=LEFT_OUT)
        else:
            shutil.copyfile(source, target)
    shutil.copyfile(ROOT / ENTRY, folder / "main.py")
    shutil.copyfile(ROOT / REQUIREMENTS, folder / "requirements.txt")


def main() -> int:
    """Stage into the folder named on the command line."""
    parser = ArgumentParser(prog="python -m services.table_manager.stage", description=__doc__)
    parser.add_argument("folder", type=Path, help="a new or empty folder")
    try:
        stage(parser.parse_args().folder)
    except NotEmpty as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
