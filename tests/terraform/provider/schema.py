"""The bindings of a Terraform provider come in; its schema leaves.

The wheels of the CDK for Terraform are generated from the provider's own schema, and their jsii
bundle still says all of it: a comment above each member whether it is computed, optional or
required, its getter which type it has, and a table in each class what is a block. The outcome has
the form of `terraform providers schema -json`, as its reference page has it.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MEMBER = re.compile(
    r"^    // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n",
    re.M,
)
CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{\n(.*?)^\}", re.M | re.S)
STRUCT_TABLE = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
ENTRY = re.compile(
    r"^ {8}(?: {4})?\"?(\w+)\"?: \{\n\s+value: .*\n"
    r"\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n\s+storageClassType: \"([^\"]+)\",",
    re.M,
)
INTERFACE = re.compile(r"^export interface (\w+) .*?\{\n(.*?)^\}", re.M | re.S)
PROPERTY = re.compile(r"    /\*\*\n(.*?)\*/\n    readonly \w+\??: .*?;\n(?=    /\*\*|\Z)", re.S)
ANCHOR = re.compile(r"\{@link \S+#(\w+) ")
CHOICES = re.compile(r"Possible values: \[([^\]]*)\]")

MAP = re.compile(r"= new cdktn\.(String|Number|Boolean|Any)Map\(")
MAPS = re.compile(r"= new cdktn\.(String|Number|Boolean)MapList\(this, \"\w+\", (true|false)\)")
OBJECTS = re.compile(r"= new (?:\w+\.)?(\w+)List\(this, \"\w+\", (true|false)\)")
OBJECT_MAP = re.compile(r"= new (?:\w+\.)?(\w+)Map\(this, \"\w+\"\)")
OBJECT = re.compile(r"= new (?:\w+\.)?(\w+)OutputReference\(this, \"\w+\"\)")
NESTED = re.compile(r"= new (?:\w+\.)?(\w+?)(List|OutputReference|Map)\(this, \"\w+\"")
GETTER = re.compile(
    r"return (?:cdktn\.Token\.asNumberList\()?(cdktn\.Fn\.tolist\()?"
    r"this\.get(String|Number|Boolean)?(List|Map|NumberMap)?Attribute\("
)
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
KINDS = {
    "TerraformResource": "resource_schemas",
    "TerraformDataSource": "data_source_schemas",
    "TerraformEphemeralResource": "ephemeral_resource_schemas",
}
Schema = dict[str, Any]


class NotUnderstood(ValueError):
    """The bindings say something that this reader has no rule for."""

    def __init__(self, what: str, code: str) -> None:
        super().__init__(f"{what}: no type found in {code.strip()[:200]!r}")


class Entry(NamedTuple):
    """A line of a class's table: how a member is written in HCL."""

    is_block: bool
    kind: str
    """simple, list, set, map or struct."""
    type_name: str
    """string, number, boolean, stringMap, ..., or the class of a block."""


class Module:
    """The bindings of one resource or data source, or of the provider itself."""

    def __init__(self, javascript: str, declarations: str) -> None:
        self.classes = {name: (base, body) for name, base, body in CLASS.findall(javascript)}
        self._tables = {
            name[0].upper() + name[1:]: _entries(body)
            for name, body in STRUCT_TABLE.findall(javascript)
        }
        self._choices = dict(_choices(declarations))
        self._inside: list[str] = []

    def resource(self, name: str) -> Schema:
        """The block of a resource, data source or ephemeral resource, by its class."""
        body = self.classes[name][1]
        return self._block(body, _entries(body), f"{name}Config")

    def provider(self, name: str) -> Schema:
        """The block of the provider; its members have no getters, so the table says the types."""
        attributes, blocks = {}, {}
        for each, entry in _entries(self.classes[name][1]).items():
            if not entry.is_block:
                attributes[each] = {"type": _simple(entry), "optional": True}
                continue
            inner = self._tables[entry.type_name.removesuffix("List")]
            fields = {k: {"type": _simple(v), "optional": True} for k, v in inner.items()}
            blocks[each] = {"nesting_mode": entry.kind, "block": {"attributes": fields}}
        attributes.pop("alias", None)  # Terraform's own
        return {"attributes": attributes, "block_types": blocks}

    def _block(self, body: str, table: dict[str, Entry], interface: str) -> Schema:
        attributes, blocks = {}, {}
        for name, flags, code in _members(body):
            entry = table.get(name)
            if entry and entry.is_block:
                blocks[name] = self._nested(entry, code, "required" in flags)
                continue
            attribute: Schema = {"type": self._type(name, code, entry), **flags}
            if choices := self._choices.get((interface, name)):
                attribute["choices"] = choices
            attributes[name] = attribute
        return {"attributes": attributes, "block_types": blocks}

    def _nested(self, entry: Entry, code: str, required: bool) -> Schema:
        found = NESTED.search(code)
        block = self._struct(found[1] if found else entry.type_name)
        if entry.kind == "struct":
            return {"nesting_mode": "single", "block": block}
        nested: Schema = {"nesting_mode": entry.kind, "block": block}
        if found and found[2] == "OutputReference":
            nested["max_items"] = 1
        if required:
            nested["min_items"] = 1
        return nested

    def _struct(self, name: str) -> Schema:
        # The bindings fold some look-alikes, deep inside, into one class that then contains itself.
        if name in self._inside:
            return {}
        self._inside.append(name)
        try:
            body = self.classes[f"{name}OutputReference"][1]
            return self._block(body, self._tables.get(name, {}), name)
        finally:
            self._inside.pop()

    def _type(self, name: str, code: str, entry: Entry | None) -> Any:
        found = self._type_by_getter(code) or (entry and self._type_by_table(entry))
        if not found:
            raise NotUnderstood(name, code)
        if entry and entry.kind in ("list", "set") and found[0] in ("list", "set"):
            return [entry.kind, *found[1:]]
        return found

    def _type_by_getter(self, code: str) -> Any:
        if m := MAP.search(code):
            return ["map", PRIMITIVES[m[1].lower()]]
        if m := MAPS.search(code):
            return [_collection(m[2]), ["map", PRIMITIVES[m[1].lower()]]]
        if m := OBJECTS.search(code):
            return [_collection(m[2]), self._object(m[1])]
        if m := OBJECT_MAP.search(code):
            return ["map", self._object(m[1])]
        if m := OBJECT.search(code):
            return self._object(m[1])
        if m := GETTER.search(code):
            element = PRIMITIVES[(m[2] or "String").lower()]
            if m[3] == "List":
                # A set comes out of Terraform as a list only if it is turned into one.
                number = "asNumberList" in code
                return ["set" if m[1] else "list", "number" if number else element]
            return ["map", element] if m[3] else element
        return None

    def _type_by_table(self, entry: Entry) -> Any:
        inner = re.sub(r"(List|Map)$", "", entry.type_name)
        if f"{inner}OutputReference" in self.classes:
            return [entry.kind, self._object(inner)]
        if inner.endswith("Map"):
            return [entry.kind, ["map", PRIMITIVES[inner.removesuffix("Map")]]]
        if inner.endswith("List"):
            return [entry.kind, ["list", PRIMITIVES[inner.removesuffix("List")]]]
        return [entry.kind, PRIMITIVES[inner]] if inner != entry.type_name else PRIMITIVES[inner]

    def _object(self, name: str) -> Any:
        return ["object", _fields(self._struct(name))]


def read(bundle: Path) -> tuple[str, str, Schema]:
    """Give source address, version and schema of a wheel's .jsii.tgz. Raises NotUnderstood."""
    javascript: dict[str, str] = defaultdict(str)
    declarations: dict[str, str] = defaultdict(str)
    with tarfile.open(bundle) as archive:
        for member in archive:
            path, opened = Path(member.name), archive.extractfile(member)
            if opened is None:
                continue
            if path == Path("package/package.json"):
                manifest = json.load(opened)["cdktn"]["provider"]
            elif path.parts[1] == "lib" and len(path.parts) > 3:  # a large one has several files
                if path.name.endswith(".js"):
                    javascript[path.parts[2]] += opened.read().decode()
                elif path.name.endswith(".d.ts"):
                    declarations[path.parts[2]] += opened.read().decode()
    return manifest["name"], manifest["version"], _schema(javascript, declarations)


def _schema(javascript: dict[str, str], declarations: dict[str, str]) -> Schema:
    schema: Schema = {"provider": {}, **{kind: {} for kind in KINDS.values()}}
    for folder in sorted(javascript):
        module = Module(javascript[folder], declarations.get(folder, ""))
        for name, (base, body) in module.classes.items():
            if base == "TerraformProvider":
                schema["provider"] = {"version": 0, "block": module.provider(name)}
            elif kind := KINDS.get(base):
                (terraform_name,) = re.findall(r"static tfResourceType = \"(\w+)\"", body)
                block = module.resource(name)
                schema[kind][terraform_name] = {"version": 0, "block": block}
    return schema


def _entries(body: str) -> dict[str, Entry]:
    return {
        name: Entry(is_block == "true", kind, type_name)
        for name, is_block, kind, type_name in ENTRY.findall(body)
    }


def _members(body: str) -> Iterator[tuple[str, dict[str, bool], str]]:
    """Each member's name, its flags that are true, and its code."""
    found = list(MEMBER.finditer(body))
    bounds = [*(each.start() for each in found), len(body)]
    for each, end in zip(found, bounds[1:], strict=True):
        said = zip(("computed", "optional", "required"), each.groups()[1:], strict=True)
        yield (
            each[1],
            {flag: True for flag, value in said if value == "true"},
            body[each.end() : end],
        )


def _choices(declarations: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The values that an attribute's description names as the only ones."""
    for interface, body in INTERFACE.findall(declarations):
        for text in PROPERTY.findall(body):
            if (anchor := ANCHOR.search(text)) and (choices := CHOICES.search(text)):
                yield (interface, anchor[1]), re.findall(r'"([^"]*)"', choices[1])


def _collection(is_set: str) -> str:
    return "set" if is_set == "true" else "list"


def _fields(block: Schema) -> dict[str, Any]:
    fields = {name: each["type"] for name, each in block.get("attributes", {}).items()}
    for name, nested in block.get("block_types", {}).items():
        inner = ["object", _fields(nested["block"])]
        single = nested["nesting_mode"] == "single"
        fields[name] = inner if single else [nested["nesting_mode"], inner]
    return fields


def _simple(entry: Entry) -> Any:
    if entry.kind == "simple":
        return PRIMITIVES[entry.type_name]
    inner = re.sub(r"(List|Map)$", "", entry.type_name)
    return [entry.kind, PRIMITIVES.get(inner, "string")]
