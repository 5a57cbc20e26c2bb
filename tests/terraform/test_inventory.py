"""Each environment's plan is what its inventory says, line by line."""

from __future__ import annotations

from tests.terraform import inventory
from tests.terraform.plans import Plan


def test_the_plan_is_the_inventory(plan: Plan, writing: bool) -> None:
    if writing:
        inventory.HOME.mkdir(exist_ok=True)
        (inventory.HOME / f"{plan.environment}.yaml").write_text(inventory.written(plan))
    found = inventory.difference(plan)
    assert not found, f"{inventory.COMMAND} writes this:\n" + "\n".join(found)
