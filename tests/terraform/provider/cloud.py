"""What the providers answer: pure functions over schemas and values.

They know names as Google gives them (names.py), which values an attribute's description allows,
what forces a new resource and what is not read back (behaviour.py). What a cloud refuses because
of what was before is memory.py's. Nobody here knows patterns of names, attributes that exclude one
another, server defaults, quotas, or how long a grant takes to be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.terraform.provider.behaviour import FORCES_NEW, NOT_READ_BACK
from tests.terraform.provider.names import IDS, chosen

Block = dict[str, Any]
Values = dict[str, Any]
Path = tuple[str | int, ...]

# Of a type whose source nobody here has read.
IDENTITY = ("location", "name", "project", "region")


class Unknown:
    """The value that a plan has where only the cloud will know."""


UNKNOWN = Unknown()


class Complaint(NamedTuple):
    """What is wrong with a value, and where it is."""

    path: Path
    text: str


def complaints(block: Block, config: Values, path: Path = ()) -> Iterator[Complaint]:
    """Each value that is not among those its attribute may have."""
    for name, attribute in block.get("attributes", {}).items():
        value, choices = config.get(name), attribute.get("choices")
        if choices and isinstance(value, str) and value not in choices:
            text = f"expected {name} to be one of {choices}, got {value!r}"
            yield Complaint((*path, name), text)
    for name, nested in block.get("block_types", {}).items():
        is_list = nested["nesting_mode"] == "list"
        for index, each in enumerate(_blocks(config.get(name))):
            where = (*path, name, index) if is_list else (*path, name)
            yield from complaints(nested["block"], each, where)


def planned(
    type_name: str, block: Block, prior: Values | None, proposed: Values, provider: Values
) -> Values:
    """The proposed values; for a resource that is new, what the cloud will choose is unknown."""
    out = _open(block, proposed) if prior is None else dict(proposed)
    attributes = block.get("attributes", {})
    if "effective_labels" in attributes:  # tpgresource.SetLabelsDiff
        given = out.get("labels")
        if isinstance(given, Unknown):
            return out
        every = {**(provider.get("default_labels") or {}), **(given or {})}
        for name in ("terraform_labels", "effective_labels"):
            out[name] = every or None
    if type_name == "google_service_account":  # ResourceServiceAccountCustomDiffFunc
        names = {**provider, **{key: each for key, each in out.items() if isinstance(each, str)}}
        for name in ("email", "member"):
            out[name] = chosen(type_name, name, names)
    return out


def read(type_name: str, state: Values) -> Values:
    """The state, less what the provider does not find again."""
    return {**state, **dict.fromkeys(NOT_READ_BACK.get(type_name, ()))}


def _open(block: Block, proposed: Values) -> Values:
    out = dict(proposed)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("computed") and out.get(name) is None:
            out[name] = UNKNOWN
    for name, nested in block.get("block_types", {}).items():
        out[name] = _each_block(out.get(name), lambda each, b=nested["block"]: _open(b, each))
    return out


def applied(type_name: str, block: Block, plan: Values, provider: Values) -> Values:
    """The planned values, with the cloud's choices made."""
    known = {name: each for name, each in plan.items() if isinstance(each, str)}
    names = {"project": "no-project", "region": "no-region", **provider, **known}
    names.setdefault("location", names["region"])
    return _filled(block, plan, lambda name: chosen(type_name, name, names))


def imported(type_name: str, identity: str) -> Values:
    """What an import id says of a resource. Raises ValueError where it says nothing."""
    pattern = IDS.get(type_name, "")
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), identity)
    if not found:
        raise ValueError(f"import id {identity!r} of {type_name} is not like {pattern!r}")
    return {**found.groupdict(), "id": identity}


def replacing(type_name: str, prior: Values, plan: Values) -> list[str]:
    """Attributes whose change makes another resource, blocks by their own name."""
    return sorted(
        {
            path.partition(".")[0]
            for path in FORCES_NEW.get(type_name, IDENTITY)
            if _at(prior, path.split(".")) != _at(plan, path.split("."))
        }
    )


def _at(values: Any, path: list[str]) -> list[Any]:
    """All values at a path; none where a block is absent, or says nothing."""
    if isinstance(values, list):
        return [found for each in values for found in _at(each, path)]
    if path and isinstance(values, dict):
        return _at(values.get(path[0]), path[1:])
    return [] if values is None or path else [values]


def _filled(block: Block, values: Values, choose: Any) -> Values:
    out = dict(values)
    for name, attribute in block.get("attributes", {}).items():
        if isinstance(out.get(name), Unknown):
            out[name] = _of_type(attribute["type"], choose(name))
    for name, nested in block.get("block_types", {}).items():
        # Inside a block nothing has the resource's own name.
        out[name] = _each_block(
            out.get(name), lambda each, b=nested["block"]: _filled(b, each, "the-{}".format)
        )
    return out


def _of_type(kind: Any, text: str) -> Any:
    match kind:
        case "string":
            return text
        case "number":
            return 0
        case "bool":
            return False
        case ["list" | "set", _]:
            return []
        case ["map", _]:
            return {}
        case ["object", fields]:
            return {name: _of_type(each, text) for name, each in fields.items()}
    return None


def _blocks(value: Any) -> list[Values]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict)]
    return [value] if isinstance(value, dict) else []


def _each_block(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [change(each) for each in value]
    return change(value) if isinstance(value, dict) else value
