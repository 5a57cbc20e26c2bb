"""A fourth event type is one new file, one line of the registry, and `make render`: proven in a
copy of the tree, where it is generated, validated, given its table, routed and stored."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import ROOT, LocalStack

CODE = (
    "settings.py",
    "telemetry.py",
    "event_types",
    "services",
    "pipeline",
    "emulators",
    "local",
    "terraform",
)
REFUND = '''
"""0 · Money given back: its model, its table, its fake. Next: the registry."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Literal

from event_types.base import Event, EventType, Money, Text, Timestamp
from event_types.population import population


class Refund(Event):
    """Money given back to a customer."""

    event_type: Literal["refund"]
    """Always `refund`."""
    refund_id: Text
    """This refund."""
    customer_id: Text
    """Who gets it."""
    amount: Money
    """How much, in US dollars."""
    refunded_at: Timestamp
    """The event's own time."""


def fake(rng: Random, now: datetime) -> Refund:
    """A believable refund at `now`."""
    return Refund(
        event_type="refund",
        refund_id=f"refund-{rng.getrandbits(32):08x}",
        customer_id=rng.choice(population().customers).customer_id,
        amount=rng.randint(100, 9_999) / 100,
        refunded_at=now,
    )


REFUND = EventType(
    name="refund",
    model=Refund,
    table="refunds",
    partition_by="event_date",
    cluster_by=("customer_id",),
    event_time="refunded_at",
    fake=fake,
    description="Refunds.",
    why_partition="By day.",
    why_cluster="By customer.",
    queries=(),
)
'''


def copy_code(to: Path) -> None:
    """What runs, with what of it is compiled; but not what another process is compiling."""
    to.mkdir()
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            shutil.copy2(source, to / name)


def test_a_fourth_type_needs_one_file_and_one_line(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_code(copy)
    (copy / "event_types" / "refund.py").write_text(REFUND.lstrip())
    registry = copy / "event_types" / "registry.py"
    text = registry.read_text()
    text = text.replace("\n\nALL:", "\nfrom event_types.refund import REFUND\n\nALL:", 1)
    registry.write_text(text.replace("    USER_ACTIVITY,\n", "    USER_ACTIVITY,\n    REFUND,\n"))

    rendered = subprocess.run(
        [sys.executable, "-m", "event_types.render"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert rendered.returncode == 0, rendered.stderr
    assert (copy / "terraform" / "event_types" / "refund.json").exists()
    assert "## refunds" in (copy / "docs" / "data-model.md").read_text()

    stack = LocalStack(tmp_path / "data", root=copy)
    ledger = stack.json("demo")
    assert ledger["lost"] == 0
    assert ledger["tables"]["refunds"] > 100
    assert sum(ledger["tables"].values()) == 1_003
    files = tmp_path / "data/demo/storage/local-project-dev-raw-events/output/refund"
    assert list(files.rglob("refund_*001.json"))
