"""Models: none can be made here, so a list is empty and none is found."""

from __future__ import annotations

from localgcp.bigquery.errors import NotFound
from localgcp.bigquery.rest.call import MethodCall
from localgcp.bigquery.rest.methods import DATASET, Answer, Method
from localgcp.bigquery.service import Service


class AbsentCalls:
    """`models.*`, but for what would make one, which is refused."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def methods(self) -> list[Method]:
        """Each with its path."""
        one = DATASET + "/models/{model}"
        found = [Method(verb, one, self.find) for verb in ("GET", "PATCH", "DELETE")]
        return [Method("GET", DATASET + "/models", self.list_), *found]

    def list_(self, call: MethodCall) -> Answer:
        """None. Raises DatasetNotFound."""
        self._service.dataset(call.path["project"], call.path["dataset"])
        return {}

    def find(self, call: MethodCall) -> Answer:
        """Look for a model or a routine, of which there are none. Raises NotFound."""
        project, dataset = call.path["project"], call.path["dataset"]
        self._service.dataset(project, dataset)
        raise NotFound(f"Not found: Model {project}:{dataset}.{call.path['model']}")
