"""The wire: the routes of the API's methods over one service, and what its errors are in HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from localgcp import environment, tunnel
from localgcp.asgi import (
    Application,
    BadGzip,
    BodyTooLarge,
    NotJson,
    Reply,
    Request,
    RequestError,
    Route,
)
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import BadValue, BigQueryError, NotFound, RequestTooLarge
from localgcp.bigquery.failures import translate
from localgcp.bigquery.rest import discovery, refused, wire
from localgcp.bigquery.rest.absent import AbsentCalls
from localgcp.bigquery.rest.dataset_calls import DatasetCalls
from localgcp.bigquery.rest.job_calls import JobCalls
from localgcp.bigquery.rest.listing import Listing
from localgcp.bigquery.rest.methods import Threads
from localgcp.bigquery.rest.refusing import EFFECTS
from localgcp.bigquery.rest.routine_calls import RoutineCalls
from localgcp.bigquery.rest.row_calls import RowCalls
from localgcp.bigquery.rest.table_calls import TableCalls
from localgcp.bigquery.rest.upload_calls import UploadCalls
from localgcp.bigquery.service import Service
from localgcp.faults import Faults
from localgcp.guard import Receive, Scope, Send

_PREFIX = "/bigquery/v2"


class UnknownPath(NotFound):
    """No method has this path."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Not found: {method} {path}")


class Server:
    """The ASGI application over one service."""

    def __init__(
        self,
        service: Service,
        trouble: Callable[[], str | None] = lambda: None,
        faults: Faults | None = None,
    ) -> None:
        """`trouble` tells why nothing more can be kept, if so: the health page is 503 then."""
        self._service, self._trouble, self._threads = service, trouble, Threads()
        listing = Listing(service)
        jobs = JobCalls(service, listing)
        methods = [
            *RowCalls(service, listing, faults or Faults(EFFECTS)).methods(),
            *jobs.methods(),
            *TableCalls(service, listing).methods(),
            *DatasetCalls(service).methods(),
            *AbsentCalls(service).methods(),
            *RoutineCalls(service).methods(),
        ]
        routes = [
            Route("GET", "/health", self._health),
            Route("GET", "/_emulator/inserts", self._inserts),
            Route("GET", tunnel.PAGE, _certificate),
            Route("GET", "/_emulator/rows", self._rows),
            Route("GET", "/_emulator/seconds", self._seconds),
            *self._threads.routes(methods),
            *UploadCalls(self._threads, jobs.start).routes(),
            Route("GET", "/$discovery/rest", _discovery),
            Route("GET", "/discovery/v1/apis/bigquery/v2/rest", _discovery),
        ]
        self._application = Application(routes, _missing, _failed, prefix=_PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._application(scope, receive, send)

    async def _health(self, request: Request) -> Reply:
        why = self._trouble()
        tables = self._service.catalog.all_tables()
        return Reply.json({"status": why or "ok", "tables": len(tables)}, 503 if why else 200)

    async def _inserts(self, request: Request) -> Reply:
        """`?id=`: `{"inserts": [{table, seconds_ago}]}`, the rows that came with this insertId."""
        ages = self._service.insert_ids.ages(request.query.get("id", ""))
        rows = [{"table": table, "seconds_ago": age} for table, age in ages.items()]
        return Reply.json({"inserts": rows})

    async def _rows(self, request: Request) -> Reply:
        """`?dataset=PROJECT.DATASET`: `{"rows": {table: count}}` as of now, for who asks often."""
        counts = await asyncio.to_thread(self._service.sizes.rows_of, self._tables(request))
        return Reply.json({"rows": counts})

    async def _seconds(self, request: Request) -> Reply:
        """`?dataset=PROJECT.DATASET&first=COLUMN&last=COLUMN`: `{"seconds": {table: {p50, p99}}}`.

        From one column of type TIMESTAMP to the other, of each table's newest 500 rows.
        """
        between, query = self._service.sizes.seconds_between, request.query
        found = {}
        for table in self._tables(request):
            took = await asyncio.to_thread(
                between, table, query.get("first", ""), query.get("last", "")
            )
            if took:
                found[table.name.table] = took
        return Reply.json({"seconds": found})

    def _tables(self, request: Request) -> list[Table]:
        """Those of the dataset that a request names. Raises DatasetNotFound."""
        project, _, dataset = request.query.get("dataset", "").rpartition(".")
        return list(self._service.catalog.list_tables(project, dataset))

    def close(self) -> None:
        """Let the requests under way end."""
        self._threads.close()


async def _certificate(request: Request) -> Reply:
    """What a client of the Storage APIs has to trust (PEM); the key stays here."""
    shown = await asyncio.to_thread(tunnel.certificate, environment.cache_folder())
    return Reply(200, shown.read_bytes(), ((b"content-type", b"application/x-pem-file"),))


async def _discovery(request: Request) -> Reply:
    return Reply.json(discovery.document(f"{request.root}/"))


async def _missing(request: Request) -> Reply:
    """Say why a path has no route.

    Raises NotSupported for a method that BigQuery has, UnknownPath for what it has not.
    """
    path = request.path.decode(errors="replace").removeprefix(_PREFIX)
    refused.check(request.method, path)
    raise UnknownPath(request.method, path)


def _failed(error: Exception) -> Reply:
    failure = _of_request(error) if isinstance(error, RequestError) else _of_domain(error)
    return Reply.json(wire.error_body(failure), wire.status_of(failure)[0])


def _of_request(error: RequestError) -> BigQueryError:
    match error:
        case BodyTooLarge():
            return RequestTooLarge(error.limit)
        case BadGzip():
            return BadValue("body", "gzip", str(error))
        case NotJson():
            return BadValue("body", "JSON", str(error))
        case _:
            return BadValue("path", "text", str(error))


def _of_domain(error: Exception) -> BigQueryError:
    if isinstance(error, BigQueryError):
        return error
    return translate(error) or BigQueryError(f"internal error: {type(error).__name__}: {error}")
