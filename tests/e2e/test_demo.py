"""`make demo` is this command: it must prove what it claims, in numbers, and with no network."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.e2e.conftest import LocalStack

# A network of its own with nothing in it but the loopback device.
ALONE = ("unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@cache
def devices() -> list[str]:
    """The devices of such a network; none where it can't be made."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return []
    asked = [*ALONE, "ip", "-json", "link"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return [each["ifname"] for each in json.loads(done.stdout)] if done.returncode == 0 else []


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> LocalStack:
    """One demo for both tests, alone where that can be."""
    return LocalStack(tmp_path_factory.mktemp("demo"), prefix=ALONE if devices() else ())


@pytest.fixture(scope="module")
def shown(stack: LocalStack) -> subprocess.CompletedProcess[str]:
    """What the demo printed: its ledger, and beside it what a reader sees."""
    return stack.run("demo", "--json")


def test_the_demo_loses_nothing(stack: LocalStack, shown: subprocess.CompletedProcess[str]) -> None:
    assert shown.returncode == 0, shown.stderr
    ledger = json.loads(shown.stdout)
    assert ledger["published"] == 1_023
    assert ledger["lost"] == 0
    assert ledger["dead_lettered"] == 20
    assert sum(ledger["tables"].values()) == 1_003
    assert sum(ledger["reasons"].values()) == 20
    assert ledger["duplicated_rows"] == 0
    for said in ("Ready in", "backlog", "Delivery ledger", "Nothing was lost", "2024-01-15"):
        assert said in shown.stderr
    bucket = stack.data_dir / "demo" / "storage" / "local-project-dev-raw-events"
    file = Path("output/order/2024/01/15/10/30/order_202401151030001.json")
    assert json.loads((bucket / file).read_text())["order_id"] == "test-order-001"


@pytest.mark.skipif(not devices(), reason="no network namespace can be made here")
def test_the_demo_needs_no_network(
    stack: LocalStack, shown: subprocess.CompletedProcess[str]
) -> None:
    assert devices() == ["lo"], "nothing leads out of where it ran"
    assert stack.prefix == ALONE
    assert shown.returncode == 0, shown.stderr
