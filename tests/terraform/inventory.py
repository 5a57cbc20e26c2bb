"""An environment's whole plan as a page that one can read: what is there, and what it refers to.

`make inventories` writes inventories/ENVIRONMENT.yaml anew, and a test holds each to the plan. What
a page has:

grants       each by role, member and target, and the address that makes it
resources    each by address, with every attribute that the configuration gives it
blocks       what the configuration says besides values: references, order, lifecycle, how often
data         what is read, and after what
variables    defaults and what is refused; settings and provider, outputs, imports likewise
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import Any

import yaml

from tests.terraform.plans import ROOT, UNKNOWN, Plan

HOME = ROOT / "tests/terraform/inventories"
COMMAND = "make inventories"
IAM = re.compile(r"google_(\w+)_iam_member")
# Of a grant, what is no target.
GRANT = {"etag", "id", "member", "role"}
IMPORT = re.compile(r"^import \{\n.*?^\}", re.M | re.S)
Page = dict[str, Any]


def page(plan: Plan) -> Page:
    """The inventory of a plan; see the module."""
    root = plan.document["configuration"]["root_module"]
    blocks = {each["address"]: each for each in root["resources"]}
    managed = [each for each in plan.resources if not IAM.fullmatch(each.type)]
    return {
        "grants": _grants(plan),
        "resources": {
            each.address: _given(blocks[_block(each.address)], each.values) for each in managed
        },
        "blocks": {
            address: _block_of(block, plan.text)
            for address, block in blocks.items()
            if block["mode"] == "managed"
        },
        "data": {
            address: _block_of(block, plan.text)
            for address, block in blocks.items()
            if block["mode"] == "data"
        },
        "outputs": {
            name: [*_references(each["expression"])] or each["expression"].get("constant_value")
            for name, each in root["outputs"].items()
        },
        "variables": {
            name: {"default": each.get("default"), "refused unless": _conditions(plan.text, name)}
            for name, each in root["variables"].items()
        },
        "provider": {
            name: {
                key: each.get("constant_value", [*_references(each)])
                for key, each in config.get("expressions", {}).items()
                if key != "request_reason"  # by it the tests tell their clouds apart
            }
            for name, config in plan.document["configuration"]["provider_config"].items()
        },
        "settings": _lines(_text_block(plan.text, "terraform {")),
        "imports": [
            _lines(each) for each in re.findall(r"^import \{\n.*?^\}", plan.text, re.M | re.S)
        ],
    }


def written(plan: Plan) -> str:
    """The page's text."""
    text: str = yaml.dump(page(plan), sort_keys=False, width=10**6, Dumper=_Dumper)
    head = f"# What {plan.environment} is. `{COMMAND}` writes it: read what changes.\n"
    return head + text


def difference(plan: Plan) -> list[str]:
    """Lines that a plan adds to what is committed, or takes from it."""
    path = HOME / f"{plan.environment}.yaml"
    before = path.read_text().splitlines() if path.exists() else []
    after = written(plan).splitlines()
    return list(unified_diff(before, after, str(path.name), "the plan", lineterm="", n=2))


class _Dumper(yaml.SafeDumper):
    """Puts what is short on one line, and writes what is there twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = _short(leaf for pair in node.value for leaf in pair)
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = _short(node.value)
        return node

    def represent_str(self, data: str) -> Any:
        return self.represent_scalar("tag:yaml.org,2002:str", data, "|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def _short(nodes: Iterable[Any]) -> bool:
    leaves = list(nodes)
    return all(isinstance(each, yaml.ScalarNode) for each in leaves) and (
        sum(len(each.value) + 2 for each in leaves) < 90
    )


def _grants(plan: Plan) -> Page:
    return {
        each.address: {
            "role": each.values["role"],
            "member": each.values["member"],
            "target": {
                name: value
                for name, value in sorted(each.values.items())
                if name not in GRANT and isinstance(value, str)
            },
            "condition": [
                rule.get("expression", UNKNOWN) for rule in each.values.get("condition") or []
            ],
        }
        for each in plan.resources
        if IAM.fullmatch(each.type)
    }


def _given(block: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values that the configuration gives: its arguments, and its blocks, dynamic ones too."""
    written_out = block.get("expressions", {}).keys() | {"effective_labels"}
    return {
        name: kept
        for name, value in values.items()
        if (name in written_out or _is_blocks(value)) and (kept := _readable(value)) is not None
    }


def _readable(value: Any) -> Any:
    """A value without what was left to the cloud; JSON in a string is shown as what it says."""
    match value:
        case dict():
            kept = {
                name: shown
                for name, each in value.items()
                if (shown := _readable(each)) is not None
            }
            return kept or None
        case list():
            return [shown for each in value if (shown := _readable(each)) is not None] or None
        case str() if value.startswith("the-"):
            return None  # what the provider without a cloud chose
        case str() if value[:1] in ("{", "["):
            return _parsed(value)
        case _:
            return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _block(address: str) -> str:
    """The block that an instance is made by."""
    return address.partition("[")[0]


def _block_of(block: dict[str, Any], text: str) -> dict[str, Any]:
    said: dict[str, Any] = {"provider": block["provider_config_key"]}
    for often in ("count_expression", "for_each_expression"):
        if often in block:
            said[often.partition("_exp")[0]] = [*_references(block[often])]
    references = {
        path: found
        for path, expression in _expressions(block.get("expressions", {}))
        if (found := [*_references(expression)])
    }
    kind = "data" if block["mode"] == "data" else "resource"
    head = f'{kind} "{block["type"]}" "{block["name"]}" {{'
    lifecycle = _lines(_text_block(_text_block(text, head), "lifecycle {"))
    return {
        **said,
        **({"after": block["depends_on"]} if block.get("depends_on") else {}),
        **({"refers to": references} if references else {}),
        **({"lifecycle": lifecycle} if lifecycle else {}),
    }


def _expressions(values: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each argument's expression, and where it is."""
    if isinstance(values, list):
        for place, each in enumerate(values):
            yield from _expressions(each, f"{path}[{place}]" if place else path)
    elif isinstance(values, dict):
        if values.keys() <= {"references", "constant_value"}:
            yield path, values
        else:
            for name, each in values.items():
                yield from _expressions(each, f"{path}.{name}" if path else name)


def _references(expression: dict[str, Any]) -> Iterator[str]:
    """What an expression refers to: of `a.b.c` and `a.b`, which are both listed, the first."""
    named = expression.get("references", [])
    for each in dict.fromkeys(named):
        if not any(other != each and other.startswith((f"{each}.", f"{each}[")) for other in named):
            yield each


def _text_block(text: str, head: str) -> str:
    """A block of the configuration's text, from its head to its own closing brace."""
    found = re.search(rf"^([ ]*){re.escape(head)}\n.*?^\1\}}", text, re.M | re.S)
    return found[0] if found else ""


def _lines(block: str) -> list[str]:
    """A block's lines between its braces, as they are but for comments and spaces."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in block.splitlines()[1:-1])
    return [line for line in lines if line and not line.startswith("#")]


def _conditions(text: str, variable: str) -> list[str]:
    block = _text_block(text, f'variable "{variable}" {{')
    return re.findall(r"^\s+condition\s+= (.*)$", block, re.M)
