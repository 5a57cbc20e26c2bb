"""The methods of tables, their policies included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localgcp.bigquery.catalog.sizes import logical_bytes
from localgcp.bigquery.catalog.table import Table, anonymous_dataset
from localgcp.bigquery.rest.call import MethodCall, page_of, plain, some, undecorated
from localgcp.bigquery.rest.listing import Listing
from localgcp.bigquery.rest.methods import DATASET, TABLE, Answer, Method
from localgcp.bigquery.rest.policies import Policies
from localgcp.bigquery.service import Service


class TableCalls:
    """`tables.*`."""

    def __init__(self, service: Service, listing: Listing) -> None:
        self._service, self._catalog, self._listing = service, service.catalog, listing
        self._policies = Policies(service.catalog)

    def methods(self) -> list[Method]:
        """Each with its path."""
        return [
            Method("GET", DATASET + "/tables", self.list_),
            Method("POST", DATASET + "/tables", self.insert),
            Method("GET", TABLE, self.get),
            Method("PATCH", TABLE, self.patch),
            Method("PUT", TABLE, self.update),
            Method("DELETE", TABLE, self.delete),
            Method("POST", TABLE + ":getIamPolicy", self._policies.get),
            Method("POST", TABLE + ":setIamPolicy", self._policies.set),
            Method("POST", TABLE + ":testIamPermissions", self._policies.test),
        ]

    def list_(self, call: MethodCall) -> Answer:
        """Tables and views of a dataset, page by page."""
        dataset = self._service.dataset(call.path["project"], call.path["dataset"])
        keys = ("kind", "id", "tableReference", "type", "labels", "timePartitioning")
        more = ("clustering", "creationTime", "expirationTime", "friendlyName", "view")
        if dataset.id == anonymous_dataset(dataset.project):
            tables = self._service.anonymous.tables(dataset.project)
        else:
            tables = self._catalog.list_tables(dataset.project, dataset.id)
        rows = [some(table.to_resource(dataset.location), keys + more) for table in tables]
        for row in rows:
            if "view" in row:
                row["view"] = {"useLegacySql": False}
        answer = {"kind": "bigquery#tableList"} | page_of(call, "tables", rows)
        return answer | {"totalItems": len(rows)}

    def insert(self, call: MethodCall) -> Answer:
        """Make a table or a view."""
        made = self._service.create_table(call.path["project"], call.path["dataset"], call.body)
        return self._resource(made)

    def get(self, call: MethodCall) -> Answer:
        """One table, with its rows and bytes as of now."""
        if self._listing.is_summary(call.name):
            return self._listing.summary_table(call.name)
        if call.name.is_anonymous:
            table, held = self._service.anonymous.find(call.name)
            size = sum(logical_bytes(chunk) for c in held.columns for chunk in c.chunks)
            return table.to_resource("US") | _counts(held.num_rows, size)
        return self._resource(self._catalog.table(plain(call.name)))

    def patch(self, call: MethodCall) -> Answer:
        """Change what the body names; a schema may only grow and relax."""
        changed = self._service.change_table(plain(call.name), call.body, call.if_match)
        return self._resource(changed)

    def update(self, call: MethodCall) -> Answer:
        """Replace all that a client may set."""
        keys = ("description", "friendlyName", "labels", "clustering", "expirationTime")
        body = {**dict.fromkeys(keys), **call.body}
        return self.patch(replace(call, body=body))

    def delete(self, call: MethodCall) -> Answer:
        """Delete a table and its rows, or the rows of the one partition that a decorator names."""
        name, partition = undecorated(call.name)
        if partition is None:
            self._catalog.delete_table(name)
        else:
            self._service.delete_partition(name, partition)
        return None

    def _resource(self, table: Table) -> dict[str, Any]:
        name = table.name
        resource = table.to_resource(self._catalog.dataset(name.project, name.dataset).location)
        if table.is_view:
            return resource
        rows, size = self._service.sizes.rows(table), self._service.sizes.bytes(table)
        return resource | _counts(rows, size)


def _counts(rows: int, size: int) -> dict[str, str]:
    return {
        "numRows": str(rows),
        "numBytes": str(size),
        "numLongTermBytes": "0",
        "numTotalLogicalBytes": str(size),
        "numActiveLogicalBytes": str(size),
        "numLongTermLogicalBytes": "0",
    }
