"""Each environment keeps each rule, and what differs between them is what is meant to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.terraform.conftest import Workspace, options
from tests.terraform.plans import Plan, of_type
from tests.terraform.rules import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda each: each.__name__)
def test_a_rule(rule: Callable[[Plan], None], plan: Plan) -> None:
    rule(plan)


def test_prod_is_larger(plan_of: Callable[[str], Plan]) -> None:
    (large,), (small,) = (
        of_type(plan_of(each).resources, "google_dataflow_flex_template_job")
        for each in ("prod", "dev")
    )
    assert large.values["max_workers"] > small.values["max_workers"]
    assert large.values["machine_type"] != small.values["machine_type"]


def test_the_tables_are_the_functions_by_default(deployed: Callable[[str], Workspace]) -> None:
    said = deployed("dev").run("plan", *options("dev"))
    assert "Plan: 0 to add, 0 to change, 3 to destroy." in said
