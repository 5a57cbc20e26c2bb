"""A routine of the REST API as the statement that makes it, so that one way checks and keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.routines import RoutineName
from localgcp.bigquery.errors import BadValue, NotSupported

_KINDS = {
    "SCALAR_FUNCTION": "FUNCTION",
    "AGGREGATE_FUNCTION": "AGGREGATE FUNCTION",
    "TABLE_VALUED_FUNCTION": "TABLE FUNCTION",
    "PROCEDURE": "PROCEDURE",
}
_KNOWN = (
    *("routineReference", "routineType", "language", "arguments", "returnType"),
    *("definitionBody", "etag", "creationTime", "lastModifiedTime", "determinismLevel"),
    "importedLibraries",
)
_REFUSED = (
    *("returnTableType", "securityMode", "strictMode"),
    *("remoteFunctionOptions", "sparkOptions", "dataGovernanceType", "description"),
    *("pythonOptions", "externalRuntimeOptions", "buildStatus"),
)
_UNSPECIFIED = ("DETERMINISM_LEVEL_UNSPECIFIED", "LANGUAGE_UNSPECIFIED")
_NAME = re.compile(r"\w{1,256}")
_MODES = ("IN", "OUT", "INOUT")


def create_text(name: RoutineName, resource: Mapping[str, Any], replacing: bool) -> str:
    """The CREATE FUNCTION, or its kin, for a Routine.

    Raises MissingField, BadValue, NotSupported.
    """
    told = {key: value for key, value in resource.items() if value not in _UNSPECIFIED}
    resources.check_keys("routine", told, _KNOWN, _REFUSED)
    language = str(told.get("language") or "SQL").upper()
    if language not in ("SQL", "JAVASCRIPT"):
        raise NotSupported(f"a routine in {language}", "language")
    resources.check_id("routineReference.routineId", name.routine, _NAME)
    kind = _KINDS.get(str(resources.required(told, "routineType", "routineType")))
    if kind is None:
        raise BadValue("routineType", told["routineType"], f"one of {', '.join(_KINDS)}")
    body = str(resources.required(told, "definitionBody", "definitionBody"))
    arguments = ", ".join(_argument(each, kind) for each in told.get("arguments") or ())
    returns = told.get("returnType")
    create = "CREATE OR REPLACE" if replacing else "CREATE"
    path = f"`{name.project}`.`{name.dataset}`.`{name.routine}`"
    start = f"{create} {kind} {path}({arguments})"
    if kind == "PROCEDURE":
        whole = (
            body
            if re.match(r"(?i)\s*BEGIN\b", body)
            else f"BEGIN\n{body.rstrip().rstrip(';')};\nEND"
        )
        return f"{start}\n{whole}"
    start += f" RETURNS {type_text(returns)}" if returns else ""
    if language == "JAVASCRIPT":
        libraries = ", ".join(_literal(str(uri)) for uri in told.get("importedLibraries") or ())
        options = f"OPTIONS (library = [{libraries}]) " if libraries else ""
        return f"{start} {_determinism(told)} LANGUAGE js {options}AS {_literal(body)}"
    for key in ("determinismLevel", "importedLibraries"):
        if told.get(key):
            raise NotSupported(f"{key} of a routine in {language}", key)
    return f"{start} AS {body}" if kind == "TABLE FUNCTION" else f"{start} AS (\n{body}\n)"


def _determinism(told: Mapping[str, Any]) -> str:
    level = told.get("determinismLevel")
    if level not in (None, "DETERMINISTIC", "NOT_DETERMINISTIC"):
        raise BadValue("determinismLevel", level, "DETERMINISTIC or NOT_DETERMINISTIC")
    return str(level or "").replace("_", " ")


def _literal(text: str) -> str:
    """A string literal of GoogleSQL, whatever is in the text."""
    plain = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"}
    return '"' + "".join(plain.get(each, each) for each in text) + '"'


def _argument(argument: Mapping[str, Any], kind: str) -> str:
    known = ("name", "argumentKind", "mode", "dataType", "isAggregate")
    resources.check_keys("routine's argument", argument, known, ())
    name = str(resources.required(argument, "name", "arguments.name"))
    resources.check_id("arguments.name", name, _NAME)
    mode = argument.get("mode") or "IN"
    if mode not in _MODES:
        raise BadValue("arguments.mode", mode, f"one of {', '.join(_MODES)}")
    of_any = argument.get("argumentKind") == "ANY_TYPE"
    wanted = None if of_any else resources.required(argument, "dataType", "arguments.dataType")
    told = "ANY TYPE" if wanted is None else type_text(wanted)
    plain = f"`{name}` {told}"
    if argument.get("isAggregate") is False:
        plain += " NOT AGGREGATE"
    return f"{mode} {plain}" if kind == "PROCEDURE" else plain


def type_text(resource: Mapping[str, Any]) -> str:
    """GoogleSQL of a StandardSqlDataType. Raises MissingField, BadValue."""
    kind = str(resources.required(resource, "typeKind", "typeKind")).upper()
    if kind == "ARRAY":
        return f"ARRAY<{type_text(resources.required(resource, 'arrayElementType', kind))}>"
    if kind == "RANGE":
        return f"RANGE<{type_text(resources.required(resource, 'rangeElementType', kind))}>"
    if kind == "STRUCT":
        fields = (resource.get("structType") or {}).get("fields") or ()
        members = (f"`{each['name']}` {type_text(each['type'])}" for each in fields)
        return f"STRUCT<{', '.join(members)}>"
    if not kind.isalnum():
        raise BadValue("typeKind", kind, "no type of GoogleSQL")
    return kind
