"""The methods of routines, which are made as SQL makes them."""

from __future__ import annotations

from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.routine import Argument
from localgcp.bigquery.catalog.routines import RoutineName, StoredRoutine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import EtagMismatch
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.jobs.routine_text import create_text
from localgcp.bigquery.rest.call import MethodCall, page_of
from localgcp.bigquery.rest.methods import DATASET, Answer, Method
from localgcp.bigquery.service import Service

_ROUTINE = DATASET + "/routines/{routine}"
_TYPES = {"TABLE": "TABLE_VALUED_FUNCTION", "PROCEDURE": "PROCEDURE"} | {
    "AGGREGATE": "AGGREGATE_FUNCTION"
}
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


class RoutineCalls:
    """`routines.*`, but for their policies."""

    def __init__(self, service: Service) -> None:
        self._routines, self._queries = service.routines, service.queries

    def methods(self) -> list[Method]:
        """Each with its path."""
        return [
            Method("GET", DATASET + "/routines", self.list_),
            Method("POST", DATASET + "/routines", self.insert, waits=True),
            Method("GET", _ROUTINE, self.get),
            Method("PUT", _ROUTINE, self.update, waits=True),
            Method("DELETE", _ROUTINE, self.delete),
        ]

    def list_(self, call: MethodCall) -> Answer:
        """Those of a dataset, page by page. Raises DatasetNotFound."""
        found = self._routines.list_(call.path["project"], call.path["dataset"])
        keys = (
            *("etag", "routineReference", "routineType", "language"),
            *("creationTime", "lastModifiedTime"),
        )
        rows = [{key: r[key] for key in keys} for r in map(_resource, found)]
        return page_of(call, "routines", rows)

    def get(self, call: MethodCall) -> Answer:
        """One. Raises DatasetNotFound, RoutineNotFound."""
        return _resource(self._routines.get(_name(call)))

    def insert(self, call: MethodCall) -> Answer:
        """Make one. Raises DatasetNotFound, RoutineExists, InvalidQuery, Invalid and its kin."""
        reference = resources.required(call.body, "routineReference", "routineReference")
        id_ = str(resources.required(reference, "routineId", "routineReference.routineId"))
        name = RoutineName(call.path["project"], call.path["dataset"], id_)
        self._queries.run(Query(create_text(name, call.body, False), name.project))
        return _resource(self._routines.get(name))

    def update(self, call: MethodCall) -> Answer:
        """Put what the body names in the place of what is there.

        Raises DatasetNotFound, RoutineNotFound, EtagMismatch, and what `insert` raises.
        """
        name = _name(call)
        old = _resource(self._routines.get(name))
        if call.if_match not in (None, "*", old["etag"]):
            raise EtagMismatch(str(call.if_match), old["etag"])
        text = create_text(name, {**old, **call.body}, True)
        self._queries.run(Query(text, name.project))
        return _resource(self._routines.get(name))

    def delete(self, call: MethodCall) -> Answer:
        """Delete one. Raises DatasetNotFound, RoutineNotFound."""
        self._routines.delete(_name(call))
        return None


def _name(call: MethodCall) -> RoutineName:
    return RoutineName(call.path["project"], call.path["dataset"], call.path["routine"])


def routine_reference(name: RoutineName) -> dict[str, str]:
    """RoutineReference."""
    return {"projectId": name.project, "datasetId": name.dataset, "routineId": name.routine}


def _resource(stored: StoredRoutine) -> dict[str, Any]:
    routine = stored.routine
    made: dict[str, Any] = {
        "routineReference": routine_reference(stored.name),
        "routineType": _TYPES.get(routine.kind, "SCALAR_FUNCTION"),
        "language": "JAVASCRIPT" if routine.language == "JS" else "SQL",
        "creationTime": str(stored.created_ms),
        "lastModifiedTime": str(stored.modified_ms),
        "definitionBody": routine.body,
        "arguments": [_argument(each) for each in routine.arguments],
    }
    if routine.determinism:
        made["determinismLevel"] = routine.determinism
    if routine.libraries:
        made["importedLibraries"] = list(routine.libraries)
    if routine.returns is not None:
        made["returnType"] = _type(routine.returns)
    return {"etag": resources.etag(made), **made}


def _argument(argument: Argument) -> dict[str, Any]:
    made: dict[str, Any] = {"name": argument.name}
    if not argument.aggregate:
        made["isAggregate"] = False
    if argument.mode != "IN":
        made["mode"] = argument.mode
    if argument.type is None:
        return made | {"argumentKind": "ANY_TYPE"}
    return made | {"dataType": _type(argument.type)}


def _type(field: Field) -> dict[str, Any]:
    """StandardSqlDataType."""
    if field.type == "RECORD":
        members = [{"name": f.name, "type": _type(f)} for f in field.fields]
        made: dict[str, Any] = {"typeKind": "STRUCT", "structType": {"fields": members}}
    else:
        made = {"typeKind": _STANDARD.get(field.type, field.type)}
    if field.element:
        made["rangeElementType"] = {"typeKind": field.element}
    return {"typeKind": "ARRAY", "arrayElementType": made} if field.repeated else made
