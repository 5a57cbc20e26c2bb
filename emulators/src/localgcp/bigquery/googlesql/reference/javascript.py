"""Functions in JavaScript: their values to JavaScript's and back, and the SQL that calls them.

User-defined functions, "Supported JavaScript UDF data types": BOOL, FLOAT64 and STRING are what
they are, BYTES are base64, an exact NUMERIC within 2^53 is a number and else a string, DATE and
TIMESTAMP are a Date, ARRAY, STRUCT and JSON arrays and objects. INT64 is returned, never taken.
What that page does not say is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.reference.callbacks import CALL, CallFailed
from localgcp.javascript import Bounds, Compiled, EngineMissing, Script, ScriptError

LANGUAGE = "JS"
BOUNDS = Bounds(seconds=10.0, memory=256 << 20)
_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_TAKEN = {"BOOLEAN", "BYTES", "FLOAT", "NUMERIC", "BIGNUMERIC", "STRING", "TIMESTAMP", "DATE"} | {
    "JSON"
}
_GIVEN = _TAKEN | {"INTEGER"}
_PLACE = re.compile(r"<\w+>:(\d+):(\d+)")
_HEADER_LINES = 2  # that the constructor Function puts before a body
_MACHINE = Path(__file__).with_name("javascript_values.js").read_text()


def type_text(field: Field) -> str:
    """GoogleSQL of a field's type."""
    if field.repeated:
        return f"ARRAY<{type_text(replace(field, mode='NULLABLE'))}>"
    if field.type == "RECORD":
        return f"STRUCT<{', '.join(f'`{f.name}` {type_text(f)}' for f in field.fields)}>"
    return _NAMES.get(field.type, field.type)


def check(routine: Routine) -> None:
    """Whether its types are those of JavaScript. Raises InvalidQuery, SqlNotSupported."""
    if routine.kind != "SCALAR":
        raise SqlNotSupported("an aggregate function in JavaScript")
    for argument in routine.arguments:
        if argument.type is None:
            raise InvalidQuery(f"ANY TYPE of {argument.name} in a JavaScript function", "query")
        _check(argument.type, _TAKEN, f"argument {argument.name} of a JavaScript function")
    if routine.returns is None:
        raise InvalidQuery("A JavaScript function needs RETURNS", "query")
    _check(routine.returns, _GIVEN, "value of a JavaScript function")


def _check(field: Field, known: set[str], what: str) -> None:
    if field.type == "RECORD":
        for member in field.fields:
            _check(member, known, what)
    elif field.type == "INTEGER" and field.type not in known:
        # The page says that it is unsupported; BigQuery takes it and does not say as what.
        raise SqlNotSupported(f"type INT64 as {what}; FLOAT64 or STRING may stand for it")
    elif field.type not in known:
        raise SqlNotSupported(f"type {type_text(field)} as {what}")


def as_sql(routine: Routine) -> Routine:
    """A routine whose body is SQL, that calls the function if it is one in JavaScript."""
    return replace(routine, body=_body(routine)) if routine.language == LANGUAGE else routine


def functions(
    routines: Iterable[Routine], libraries: Mapping[str, str]
) -> dict[str, JavaScriptFunction]:
    """Those in JavaScript, by what they are called by; `libraries` are the code for each URI."""
    return {
        name_of(routine): JavaScriptFunction(routine, [libraries[u] for u in routine.libraries])
        for routine in routines
        if routine.language == LANGUAGE
    }


def name_of(routine: Routine) -> str:
    """What its function is called by."""
    return f"js-{hashlib.sha256(repr(routine).encode()).hexdigest()[:16]}"


def _body(routine: Routine) -> str:
    assert routine.returns is not None
    given = ", ".join(f"`{each.name}` AS a{i}" for i, each in enumerate(routine.arguments))
    told = f"TO_JSON_STRING(STRUCT({given}))" if given else "'{}'"
    return f"WITH(told AS {CALL}('{name_of(routine)}', {told}), {_read(routine.returns, 'told')})"


def _read(field: Field, text: str, depth: int = 0) -> str:
    """SQL of a value whose text, or JSON, is at hand: each scalar in it is a string or null."""
    kind = type_text(field)
    if field.repeated:
        single, element = replace(field, mode="NULLABLE"), f"e{depth}"
        inner = element if field.type == "RECORD" else f"JSON_VALUE({element})"
        return f"""IF({text} IS NULL, NULL, ARRAY(SELECT {_read(single, inner, depth + 1)}
        FROM UNNEST(JSON_QUERY_ARRAY({text})) AS {element} WITH OFFSET AS o{depth}
        ORDER BY o{depth}))"""
    if field.type == "RECORD":
        members = ", ".join(
            _read(f, _member(f, text, place), depth) for place, f in enumerate(field.fields)
        )
        return f"IF(NULLIF({text}, 'null') IS NULL, NULL, STRUCT<{kind[7:]}({members}))"
    if field.type == "STRING":
        return text
    if field.type == "BYTES":
        return f"FROM_BASE64({text})"
    if field.type == "JSON":
        return f"PARSE_JSON({text}, wide_number_mode => 'round')"
    return f"CAST({text} AS {kind})"


def _member(field: Field, text: str, place: int) -> str:
    nested = field.repeated or field.type == "RECORD"
    if nested:
        return f"NULLIF(JSON_QUERY({text}, '$[{place}]'), 'null')"
    return f"JSON_VALUE({text}, '$[{place}]')"


class JavaScriptFunction:
    """A routine in JavaScript, for one statement. Raises CallFailed."""

    def __init__(self, routine: Routine, libraries: Sequence[str] = ()) -> None:
        self._routine, self._libraries = routine, libraries
        self._script: Script | None = None
        self._function: Compiled | None = None

    def __call__(self, arguments: str) -> str | None:
        """Its value, as `as_sql` reads it; the arguments are an object of JSON."""
        try:
            if self._script is None or self._function is None:
                self._script = self._started()
                self._function = self._script.function(_machine(self._routine))
            told = self._function(arguments)
            if told == "p":
                self._script.settle()
                told = self._function("")
        except EngineMissing as error:
            what = "not supported by the emulator: JavaScript without its engine: install "
            what += "localgcp[transforms]"
            raise CallFailed(what) from error
        except ScriptError as error:
            self._script = self._function = None  # it may be out of memory
            raise CallFailed(self._told(error)) from error
        if told == "p":
            raise CallFailed("A promise of a JavaScript function is never settled")
        if told is None:
            return None
        return str(json.loads(told[1:])) if told[0] == "s" else told[1:]

    def _started(self) -> Script:
        """With its libraries. Raises CallFailed for what is wrong in their code, EngineMissing."""
        script = Script(BOUNDS)
        for uri, code in zip(self._routine.libraries, self._libraries, strict=True):
            try:
                script.run(code)
            except ScriptError as error:
                raise CallFailed(f"{error} in {uri}") from error
        return script

    def _told(self, error: ScriptError) -> str:
        """As BigQuery writes it: what was thrown, and the place in the function's code."""
        what = str(error).removeprefix("Error: ")
        if what.startswith(("not supported by the emulator", "Failed to coerce")):
            return what
        place = next(filter(None, map(_PLACE.search, error.lines[1:])), None)
        if place is None:
            return what
        types = ", ".join(type_text(a.type) for a in self._routine.arguments if a.type)
        line, column = int(place[1]) - _HEADER_LINES, int(place[2])
        types = types.replace("`", "")
        return f"{what} at UDF$1({types}) line {line}, columns {column}-{column + 1}"


def _machine(routine: Routine) -> str:
    assert routine.returns is not None
    takes = [_described(argument.type) for argument in routine.arguments if argument.type]
    names = [argument.name for argument in routine.arguments]
    parts = (takes, _described(routine.returns), names, routine.body)
    return f"({_MACHINE})({', '.join(map(json.dumps, parts))})"


def _described(field: Field) -> Any:
    if field.repeated:
        return [_described(replace(field, mode="NULLABLE"))]
    if field.type == "RECORD":
        return {member.name: _described(member) for member in field.fields}
    return type_text(field)
