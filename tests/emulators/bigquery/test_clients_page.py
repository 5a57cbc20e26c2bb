"""The blocks of docs/clients.md that this project's packages can run, in the page's order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from localgcp import clients, environment, tunnel
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import address_of

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"


def test_the_blocks_said_to_be_tested_run(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    parts = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    tested = [part for part in parts if re.match(r".*\n\*Tested\.\*", part)]
    blocks = [block for part in tested for block in re.findall(r"```python\n(.*?)```", part, re.S)]
    assert len(blocks) == 2
    address = address_of(emulator)
    clients.write_files(tmp_path, address, "page-project")
    led = clients.environ(tmp_path, {"bigquery": address}, "page-project")
    led |= tunnel.led_by_asking(address, tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        env=environment.copy() | led,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["[1]", "1"]
