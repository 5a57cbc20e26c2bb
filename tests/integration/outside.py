"""A project that is not this one, with the package localgcp installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EMULATORS = ROOT / "emulators"


def example() -> str:
    """The first block of docs/testing.md."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def run_pytest(
    folder: Path, code: str, *args: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run `code` as the one test file of a project in `folder`."""
    (folder / "test_example.py").write_text(code)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *args, "test_example.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{EMULATORS / 'src'}:{_installed(folder)}", **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _installed(folder: Path) -> Path:
    """What an installer would leave beside the code: the names by which pytest finds the plugin."""
    project = tomllib.loads((EMULATORS / "pyproject.toml").read_text())["project"]
    made = folder / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    made.mkdir(parents=True)
    about = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (made / "METADATA").write_text(about)
    plugins = project["entry-points"]["pytest11"].items()
    lines = "".join(f"{name} = {module}\n" for name, module in plugins)
    (made / "entry_points.txt").write_text(f"[pytest11]\n{lines}")
    return made.parent
