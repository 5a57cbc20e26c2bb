"""Laptop and cloud: the variables that differ are those that docs/deploy.md names, no others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import settings
from local import laptop
from local.processes import all_of
from local.stack import PROJECT_ID, Stack

ROOT = Path(__file__).parent.parent.parent
PARTS = {"generator": "generator.tf", "table_manager": "table_manager.tf"}
STACK = Stack(Path("/data"), dict.fromkeys(laptop.PORTS, 1))
VALUES = {"var.project_id": PROJECT_ID, "var.environment": "dev", "var.region": "us-central1"}


def here(part: str) -> dict[str, str]:
    """What the supervisor gives a part of the local stack."""
    (process,) = (each for each in all_of(STACK) if each.name == part)
    return {**STACK.environ(), **process.environ}


def there(part: str) -> dict[str, str]:
    """What Terraform gives it, by the defaults of its variables; and its platform."""
    text = (ROOT / "terraform" / PARTS[part]).read_text()
    given = re.findall(r'^ +([A-Z_]+) += (var\.\w+|"[^"]+")(?: #.*)?$', text, re.MULTILINE)
    assert len(given) >= 4
    platform = {"PORT": "8080", "HOST": "0.0.0.0"} if part == "generator" else {}
    values = {name: VALUES.get(value) or default(value) for name, value in given}
    return {**values, **platform}


def default(variable: str) -> str:
    if variable.startswith('"'):
        return variable.strip('"')
    text = (ROOT / "terraform" / "variables.tf").read_text()
    block = text.split(f'variable "{variable.removeprefix("var.")}" {{')[1].split("\n}")[0]
    found = re.search(r'^  default += "(\w+)"', block, re.MULTILINE)
    assert found, variable
    return found[1]


def documented() -> set[str]:
    section = (ROOT / "docs/deploy.md").read_text().split("## What differs from a laptop")[1]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", section.split("\n## ")[0], re.MULTILINE))


def test_only_the_documented_variables_differ() -> None:
    differing = set()
    for part in PARTS:
        laptop, cloud = here(part), there(part)
        differing |= {
            name for name in laptop.keys() | cloud.keys() if laptop.get(name) != cloud.get(name)
        }
    assert differing == documented()


@pytest.mark.parametrize("part", PARTS)
def test_both_read_the_same_settings(part: str) -> None:
    laptop, cloud = settings.load(here(part)), settings.load(there(part))
    assert cloud.publish_log is None
    assert cloud.write_api is None
    assert cloud.allow_hosts == {"*"}, "IAM asks who is there"
    same = replace(laptop, publish_log=None, write_api=None, host=cloud.host, port=cloud.port)
    same = replace(same, allow_hosts=cloud.allow_hosts)
    assert cloud == same
    assert settings.generator(here(part)) == settings.generator(there(part))


def test_the_image_listens_where_the_table_says() -> None:
    assert "HOST=0.0.0.0" in (ROOT / "docker" / "Dockerfile").read_text()
