"""Models and routines: none can be made here, so a list is empty and none is found."""

from __future__ import annotations

from localgcp.bigquery.errors import NotFound
from localgcp.bigquery.rest.call import MethodCall
from localgcp.bigquery.rest.methods import DATASET, Answer, Method
from localgcp.bigquery.service import Service

_KINDS = {"models": "Model", "routines": "Routine"}


class AbsentCalls:
    """`models.*` and `routines.*`, but for what would make one, which is refused."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def methods(self) -> list[Method]:
        """Each with its path."""
        made = []
        for what in _KINDS:
            one = f"{DATASET}/{what}/{{{what}}}"
            changes = ("PATCH",) if what == "models" else ("PUT",)
            made.append(Method("GET", f"{DATASET}/{what}", self.list_))
            made += [Method(verb, one, self.find) for verb in ("GET", *changes, "DELETE")]
        return made

    def list_(self, call: MethodCall) -> Answer:
        """None. Raises DatasetNotFound."""
        self._service.dataset(call.path["project"], call.path["dataset"])
        return {}

    def find(self, call: MethodCall) -> Answer:
        """Look for a model or a routine, of which there are none. Raises NotFound."""
        project, dataset = call.path["project"], call.path["dataset"]
        self._service.dataset(project, dataset)
        what, id_ = next((key, call.path[key]) for key in _KINDS if key in call.path)
        raise NotFound(f"Not found: {_KINDS[what]} {project}:{dataset}.{id_}")
