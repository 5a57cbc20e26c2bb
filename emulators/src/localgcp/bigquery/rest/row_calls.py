"""The methods of a table's rows."""

from __future__ import annotations

from functools import partial

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.rest import wire
from localgcp.bigquery.rest.call import MethodCall, int64_timestamps, undecorated
from localgcp.bigquery.rest.listing import Listing
from localgcp.bigquery.rest.methods import TABLE, Answer, Method
from localgcp.bigquery.rest.refusing import refusing
from localgcp.bigquery.service import Service
from localgcp.faults import Faults


class RowCalls:
    """`tabledata.*`."""

    def __init__(self, service: Service, listing: Listing, faults: Faults) -> None:
        self._streaming, self._listing, self._faults = service.streaming, listing, faults

    def methods(self) -> list[Method]:
        """Each with its path."""
        return [
            Method("POST", TABLE + "/insertAll", self.insert_all),
            Method("GET", TABLE + "/data", self.list_),
        ]

    def insert_all(self, call: MethodCall) -> Answer:
        """Stream rows in."""
        known = ("kind", "rows", "skipInvalidRows", "ignoreUnknownValues", "traceId")
        resources.check_keys("insertAll request", call.body, (*known, "templateSuffix"), ())
        name, partition = undecorated(call.name)
        insert = partial(
            self._streaming.insert_all,
            name,
            skip_invalid=bool(call.body.get("skipInvalidRows")),
            ignore_unknown=bool(call.body.get("ignoreUnknownValues")),
            partition=partition,
        )
        rows = wire.insert_rows(call.body)
        return wire.insert_response(refusing(self._faults, name, rows, insert))

    def list_(self, call: MethodCall) -> Answer:
        """Rows of a table in the order they came, page by page."""
        start = call.number("startIndex", 0) if not call.query.get("pageToken") else 0
        return self._listing.rows(
            call.name,
            selected=call.query.get("selectedFields"),
            start=call.number("pageToken", start),
            limit=call.number("maxResults", wire.PAGE_ROWS),
            int64_timestamps=int64_timestamps(call),
        )
