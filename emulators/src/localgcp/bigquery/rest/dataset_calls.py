"""The methods of projects and datasets."""

from __future__ import annotations

import zlib
from dataclasses import replace

from localgcp.bigquery.rest.call import MethodCall, label_filter, page_of, some
from localgcp.bigquery.rest.methods import DATASET, PROJECT, Answer, Method
from localgcp.bigquery.service import Service


class DatasetCalls:
    """`projects.*` and `datasets.*`."""

    def __init__(self, service: Service) -> None:
        self._service, self._catalog = service, service.catalog

    def methods(self) -> list[Method]:
        """Each with its path."""
        return [
            Method("GET", "/projects", self.list_projects),
            Method("GET", PROJECT + "/serviceAccount", self.get_service_account),
            Method("GET", PROJECT + "/datasets", self.list_),
            Method("POST", PROJECT + "/datasets", self.insert),
            Method("GET", DATASET, self.get),
            Method("PATCH", DATASET, self.patch),
            Method("PUT", DATASET, self.update),
            Method("DELETE", DATASET, self.delete),
        ]

    def list_projects(self, call: MethodCall) -> Answer:
        """The projects that have a dataset."""
        projects = [
            {
                "kind": "bigquery#project",
                "id": project,
                "friendlyName": project,
                "numericId": str(zlib.crc32(project.encode())),
                "projectReference": {"projectId": project},
            }
            for project in self._catalog.projects()
        ]
        answer = {"kind": "bigquery#projectList", "projects": projects}
        return answer | {"totalItems": len(projects)}

    def get_service_account(self, call: MethodCall) -> Answer:
        """The account that BigQuery would use for KMS: here a name that nobody has."""
        email = f"bq-{call.path['project']}@bigquery-encryption.local"
        return {"kind": "bigquery#getServiceAccountResponse", "email": email}

    def list_(self, call: MethodCall) -> Answer:
        """Datasets of a project, page by page."""
        found = self._catalog.list_datasets(call.path["project"])
        if call.query.get("all", "").lower() == "true":
            results = self._service.anonymous.dataset(call.path["project"])
            found += [results] if results else []
        else:  # a name that begins with an underscore hides a dataset
            found = [dataset for dataset in found if not dataset.id.startswith("_")]
        keys = ("kind", "id", "datasetReference", "location", "labels", "friendlyName")
        wanted = label_filter(call)
        rows = [some(dataset.to_resource(), keys) for dataset in found if wanted(dataset.labels)]
        return {"kind": "bigquery#datasetList"} | page_of(call, "datasets", rows)

    def insert(self, call: MethodCall) -> Answer:
        """Make a dataset."""
        return self._catalog.create_dataset(call.path["project"], call.body).to_resource()

    def get(self, call: MethodCall) -> Answer:
        """One dataset."""
        return self._service.dataset(call.path["project"], call.path["dataset"]).to_resource()

    def patch(self, call: MethodCall) -> Answer:
        """Change what the body names."""
        project, dataset = call.path["project"], call.path["dataset"]
        changed = self._catalog.change_dataset(project, dataset, call.body, call.if_match)
        return changed.to_resource()

    def update(self, call: MethodCall) -> Answer:
        """Replace all that a client may set."""
        keys = ("description", "friendlyName", "labels", "defaultTableExpirationMs")
        body = {**dict.fromkeys((*keys, "defaultPartitionExpirationMs")), **call.body}
        return self.patch(replace(call, body=body))

    def delete(self, call: MethodCall) -> Answer:
        """Delete a dataset; with deleteContents its tables, too."""
        contents = call.query.get("deleteContents", "").lower() == "true"
        self._catalog.delete_dataset(call.path["project"], call.path["dataset"], contents)
        return None
