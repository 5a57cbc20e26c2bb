"""Each slip of slips.py is planted, planned and caught: docs/terraform-mutations.md says how."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.terraform import inventory
from tests.terraform.conftest import ENVIRONMENTS, JOB, Workspace
from tests.terraform.plans import ROOT, Plan
from tests.terraform.rules import RULES
from tests.terraform.slips import SLIPS, Slip, batches

pytestmark = pytest.mark.timeout(900)  # the first of them makes all plans

PAGE = ROOT / "docs/terraform-mutations.md"
MAY_SURVIVE = 0
HEAD = """# Slips in Terraform, and what catches them
`make inventories` writes this page. Each slip of `tests/terraform/slips.py` is planted in
`terraform/`, and the edited configuration planned. A rule (`tests/terraform/rules.py`) holds for
any plan. The inventory (`tests/terraform/inventories/`) is how an environment is today: it notices
whatever changes, and a reader of its difference judges.
"""


class Outcome(NamedTuple):
    """What noticed a slip."""

    rules: list[str]
    inventory: bool


def broken(plan: Plan) -> list[str]:
    """The rules that a plan breaks, by name; one that can't even be asked is broken."""
    names = []
    for rule in RULES:
        try:
            rule(plan)
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
            names.append(rule.__name__)
    return names


def alone(slip: Slip, base: Plan, batch: Plan) -> Plan:
    """The plan with this slip and none of its batch: only its own block comes from there."""
    document = json.loads(json.dumps(base.document))
    theirs = json.loads(json.dumps(batch.document["resource_changes"]))
    document["resource_changes"] = _exchanged(slip, document["resource_changes"], theirs)
    for each in document["resource_changes"]:
        if _block(each) == slip.block:
            _settle(each["change"])
    root, ours, theirs = map(configuration, (document, base.document, batch.document))
    root["resources"] = _exchanged(slip, ours["resources"], theirs["resources"])
    for kind in ("output", "variable"):
        if slip.block.startswith(f"{kind}."):
            root[f"{kind}s"] = theirs[f"{kind}s"]
    return replace(base, document=document, text=batch.text)


def _settle(change: dict[str, Any]) -> None:
    """What a new resource will be given by the cloud is what the old one was given."""
    before, after = change["before"] or {}, change["after"] or {}
    for name, unknown in list(change["after_unknown"].items()):
        if unknown is True and before.get(name) is not None:
            after[name] = before[name]
            del change["after_unknown"][name]


def _exchanged(slip: Slip, ours: list[Any], theirs: list[Any]) -> list[Any]:
    """A list of resources in which those of the slip's block are the other plan's."""
    kept = [each for each in ours if _block(each) != slip.block]
    return [*kept, *(each for each in theirs if _block(each) == slip.block)]


def _block(resource: dict[str, Any]) -> str:
    return str(resource["address"]).partition("[")[0]


def configuration(document: dict[str, Any]) -> dict[str, Any]:
    """The root module's, of a plan."""
    root: dict[str, Any] = document["configuration"]["root_module"]
    return root


def changed_blocks(base: Plan, other: Plan) -> set[str]:
    """The blocks of which the inventories differ, outputs and variables too."""
    pages = [inventory.page(each) for each in (base, other)]
    found = {
        address.partition("[")[0]
        for section in ("grants", "resources", "blocks", "data")
        for address in pages[0][section].keys() | pages[1][section].keys()
        if pages[0][section].get(address) != pages[1][section].get(address)
    }
    for section in ("outputs", "variables"):
        if pages[0][section] != pages[1][section]:
            found.add(section)
    return found


def shows_in(slip: Slip) -> str:
    """Where in the inventory a slip is to be seen."""
    kind = slip.block.partition(".")[0]
    return f"{kind}s" if kind in ("output", "variable") else slip.block


@pytest.fixture(scope="module")
def outcomes(
    deployed: Callable[[str], Workspace],
    plan_of: Callable[[str], Plan],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Outcome]:
    """What noticed each slip."""
    found = {}
    for environment in ENVIRONMENTS:
        base = plan_of(environment)
        assert broken(base) == []
        for place, batch in enumerate(batches(environment)):
            folder = tmp_path_factory.mktemp(f"{environment}-{place}") / "terraform"
            changed = planted(batch, deployed(environment), folder)
            # Else a slip could be taken for caught because of another.
            reached = changed_blocks(base, changed)
            expected = {shows_in(slip) for slip in batch}.union(*(slip.reach for slip in batch))
            assert batch[0].alone or reached <= expected
            for slip in batch:
                one = alone(slip, base, changed)
                found[slip.what] = Outcome(broken(one), shows_in(slip) in changed_blocks(base, one))
    return found


def planted(batch: list[Slip], deployed: Workspace, folder: Path) -> Plan:
    """The plan of a deployed environment whose configuration has these slips."""
    shutil.copytree(deployed.folder, folder, symlinks=True)
    for slip in batch:
        path = folder / slip.file
        path.write_text(slip.planted(path.read_text()))
    made = replace(deployed, folder=folder)
    args = (f"-replace={JOB}", "-refresh=false")
    document = made.plan(batch[0].environment, *args, manage_tables="true")
    (folder / "plan.json").write_text(json.dumps(document))
    return Plan.read(batch[0].environment, folder)


def test_each_slip_is_told_from_the_others() -> None:
    assert len({each.what for each in SLIPS}) == len(SLIPS) >= 80
    every = chain.from_iterable(batches(each) for each in ENVIRONMENTS)
    assert sum(map(len, every)) == len(SLIPS)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda each: each.what)
def test_a_slip_is_caught(slip: Slip, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[slip.what]
    assert outcome.rules or outcome.inventory


def table(outcomes: dict[str, Outcome]) -> str:
    """The page."""
    by_rule = sum(bool(each.rules) for each in outcomes.values())
    by_inventory = sum(each.inventory for each in outcomes.values())
    caught = sum(bool(each.rules or each.inventory) for each in outcomes.values())
    rows = [
        f"| {slip.what} | {slip.environment} | `{slip.block}` | "
        f"{', '.join(outcome.rules).replace('_', ' ') or '-'} | "
        f"{'yes' if outcome.inventory else 'no'} |"
        for slip in SLIPS
        if (outcome := outcomes[slip.what])
    ]
    return "\n".join(
        (
            HEAD,
            f"Slips: {len(SLIPS)}. Caught: {caught}; by a rule {by_rule}, by the inventory"
            f" {by_inventory}. Survived: {len(SLIPS) - caught}.\n",
            "| slip | in | shows in | broken rules | inventory |",
            "|---|---|---|---|---|",
            *rows,
            "",
        )
    )


def test_the_page_says_what_was_caught(outcomes: dict[str, Outcome], writing: bool) -> None:
    if writing:
        PAGE.write_text(table(outcomes))
    survived = [name for name, each in outcomes.items() if not (each.rules or each.inventory)]
    assert len(survived) <= MAY_SURVIVE, survived
    assert PAGE.read_text() == table(outcomes)
