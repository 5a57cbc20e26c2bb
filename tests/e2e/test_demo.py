"""`make demo` is this command: it must prove what it claims, in numbers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.e2e.conftest import LocalStack

# A network of its own with nothing in it but the loopback device.
ALONE = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


def can_be_alone() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def test_the_demo_loses_nothing_and_needs_no_network(local_stack: LocalStack) -> None:
    if can_be_alone():
        local_stack.prefix = ALONE
    done = local_stack.run("demo", "--json", timeout=150)
    assert done.returncode == 0, done.stderr
    ledger = json.loads(done.stdout)
    assert ledger["published"] == 1_023
    assert ledger["lost"] == 0
    assert ledger["dead_lettered"] == 20
    assert sum(ledger["tables"].values()) == 1_003
    assert sum(ledger["reasons"].values()) == 20
    assert ledger["duplicated_rows"] == 0
    for said in ("Ready in", "backlog", "Delivery ledger", "Nothing was lost", "2024-01-15"):
        assert said in done.stderr
    bucket = local_stack.data_dir / "demo" / "storage" / "local-project-dev-raw-events"
    file = Path("output/order/2024/01/15/10/30/order_202401151030001.json")
    assert json.loads((bucket / file).read_text())["order_id"] == "test-order-001"
