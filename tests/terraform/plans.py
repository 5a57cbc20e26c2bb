"""What Terraform's plan says, as `terraform show -json` has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "test-project"
UNKNOWN = "(known after apply)"


@dataclass(frozen=True)
class Resource:
    """A resource of a plan."""

    address: str
    type: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A plan of a deployed environment, in which all values are known."""

    environment: str
    document: dict[str, Any]
    text: str
    """The configuration it is of: what a plan's JSON leaves out stands only there."""

    @classmethod
    def read(cls, environment: str, folder: Path) -> Plan:
        """The plan that lies in a workspace's folder."""
        files = [each for each in sorted(folder.glob("*.tf")) if "_override" not in each.name]
        text = "\n".join(path.read_text() for path in files)
        return cls(environment, json.loads((folder / "plan.json").read_text()), text)

    @cached_property
    def resources(self) -> list[Resource]:
        """What the environment has."""
        return [
            Resource(each["address"], each["type"], _values(each["change"]))
            for each in self.document["resource_changes"]
            if each["mode"] == "managed" and each["change"]["after"] is not None
        ]

    @cached_property
    def blocks(self) -> dict[str, dict[str, Any]]:
        """The configuration's blocks, by address."""
        return {
            each["address"]: each
            for each in self.document["configuration"]["root_module"]["resources"]
        }

    def one(self, type_name: str) -> dict[str, Any]:
        """The values of the only resource of a type."""
        (found,) = of_type(self.resources, type_name)
        return found.values

    def at(self, address: str) -> dict[str, Any]:
        """The values of the resource at an address."""
        (found,) = (each for each in self.resources if each.address == address)
        return found.values


def _values(change: dict[str, Any]) -> dict[str, Any]:
    """The values after a change; what only the cloud will know says so."""
    unknown = (name for name, each in change["after_unknown"].items() if each is True)
    return {**change["after"], **dict.fromkeys(unknown, UNKNOWN)}


def of_type(resources: list[Resource], *types: str) -> list[Resource]:
    """Those of a type, of which there must be some."""
    found = [each for each in resources if each.type in types]
    assert found, f"no {types} in the plan"
    return found
