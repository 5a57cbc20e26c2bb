"""The wire: HTTP routes to the API's methods, bodies to JSON, errors to statuses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from localgcp.asgi import BodyTooLarge, ClientGone
from localgcp.bigquery.errors import (
    BadValue,
    BigQueryError,
    NotFound,
    NotSupported,
    RequestTooLarge,
)
from localgcp.bigquery.failures import translate
from localgcp.bigquery.rest import discovery, refused, wire
from localgcp.bigquery.rest.api import Api, Method
from localgcp.bigquery.rest.call import Call
from localgcp.bigquery.rest.uploads import MAX_UPLOAD, Uploads, split_multipart
from localgcp.bigquery.service import Service
from localgcp.http import BadGzip, read_body

MAX_BODY = 10 * 1024 * 1024  # Quotas, "Streaming inserts": maximum HTTP request size
WORKERS, WAITERS = 8, 32

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

Reply = tuple[int, Any, list[tuple[bytes, bytes]]]

_PROJECT = "/projects/{project}"
_DATASET = _PROJECT + "/datasets/{dataset}"
_TABLE = _DATASET + "/tables/{table}"
_JOB = _PROJECT + "/jobs/{job}"
_UPLOAD = re.compile(r"(?:/resumable)?/upload/bigquery/v2/projects/(?P<project>[^/]+)/jobs")


def takes_files(path: str) -> bool:
    """Whether what is sent there is a file, of any content type."""
    return _UPLOAD.fullmatch(path) is not None


class UnknownPath(NotFound):
    """No method has this path."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Not found: {method} {path}")


def _routes(api: Api) -> list[tuple[str, str, Method]]:
    return [
        ("GET", "/projects", api.projects_list),
        ("GET", _PROJECT + "/datasets", api.datasets_list),
        ("POST", _PROJECT + "/datasets", api.datasets_insert),
        ("GET", _DATASET, api.datasets_get),
        ("PATCH", _DATASET, api.datasets_patch),
        ("PUT", _DATASET, api.datasets_update),
        ("DELETE", _DATASET, api.datasets_delete),
        ("GET", _DATASET + "/tables", api.tables_list),
        ("POST", _DATASET + "/tables", api.tables_insert),
        ("GET", _TABLE, api.tables_get),
        ("PATCH", _TABLE, api.tables_patch),
        ("PUT", _TABLE, api.tables_update),
        ("DELETE", _TABLE, api.tables_delete),
        ("POST", _TABLE + "/insertAll", api.tabledata_insert_all),
        ("GET", _TABLE + "/data", api.tabledata_list),
        ("POST", _TABLE + ":getIamPolicy", api.policies.get),
        ("POST", _TABLE + ":setIamPolicy", api.policies.set),
        ("POST", _TABLE + ":testIamPermissions", api.policies.test),
        ("GET", _PROJECT + "/serviceAccount", api.projects_get_service_account),
        ("POST", _PROJECT + "/queries", api.jobs_query),
        ("GET", _PROJECT + "/queries/{job}", api.jobs_get_query_results),
        ("GET", _PROJECT + "/jobs", api.jobs_list),
        ("POST", _PROJECT + "/jobs", api.jobs_insert),
        ("GET", _JOB, api.jobs_get),
        ("POST", _JOB + "/cancel", api.jobs_cancel),
        ("DELETE", _JOB + "/delete", api.jobs_delete),
    ]


class Server:
    """The ASGI application over one service."""

    def __init__(
        self,
        service: Service,
        base_url: Callable[[], str],
        trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`trouble` tells why nothing more can be kept, if so: the health page is 503 then."""
        self._trouble = trouble
        self._base_url, self._service, self._uploads = base_url, service, Uploads()
        self._api = api = Api(service)
        self._routes = [(m, _pattern(path), call) for m, path, call in _routes(api)]
        # Calls that wait for a query must not hold up those that work.
        self._waiting = {api.jobs_query, api.jobs_get_query_results, api.jobs_insert}
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="bigquery")
        self._waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="bigquery-wait")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; any failure is an answer as well."""
        more: list[tuple[bytes, bytes]] = []
        try:
            upload = _UPLOAD.fullmatch(scope["path"])
            if upload:
                status, body, more = await self._upload(upload["project"], scope, receive)
            else:
                status, body = await self._answer(scope, receive)
        except ClientGone:
            return
        except BigQueryError as error:
            status, body = wire.status_of(error)[0], wire.error_body(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours is this request's failure alone
            failure = translate(error) or BigQueryError(
                f"internal error: {type(error).__name__}: {error}"
            )
            status, body = wire.status_of(failure)[0], wire.error_body(failure)
        payload = b"" if body is None else orjson.dumps(body)
        headers = [
            (b"content-type", b"application/json; charset=UTF-8"),
            (b"content-length", str(len(payload)).encode()),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        method, path = scope["method"], scope["path"]
        if path == "/health":
            return self._health()
        if path in ("/$discovery/rest", "/discovery/v1/apis/bigquery/v2/rest"):
            return 200, discovery.document(self._root(scope))
        headers = {name.lower(): value for name, value in scope["headers"]}
        raw = await _read(receive, MAX_BODY, headers.get(b"content-encoding", b"").decode())
        function, parameters = self._find(method, path.removeprefix("/bigquery/v2"))
        call = Call(
            path=parameters,
            query=_query(scope["query_string"]),
            body=_json(raw),
            if_match=headers.get(b"if-match", b"").decode() or None,
        )
        answer = await self._run(function, call)
        return (204, None) if answer is None else (200, answer)

    def _root(self, scope: Scope) -> str:
        # As the client calls it: from outside of a container the address is not the one in it.
        host = dict(scope["headers"]).get(b"host", b"").decode()
        return f"http://{host}/" if host else self._base_url()

    async def _run(self, function: Method, call: Call) -> Any:
        pool = self._waiters if function in self._waiting else self._workers
        return await asyncio.get_running_loop().run_in_executor(pool, function, call)

    async def _upload(self, project: str, scope: Scope, receive: Receive) -> Reply:
        """A part of a file, or all of it: 308 asks for more, 200 answers with the job."""
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        encoding = headers.get("content-encoding", "")
        query, raw = _query(scope["query_string"]), await _read(receive, MAX_UPLOAD, encoding)
        kind, id_ = query.get("uploadType"), query.get("upload_id")
        if id_:
            upload, done = self._uploads.add(id_, headers.get("content-range", ""), raw)
            resource, media = upload.resource, bytes(upload.data) if done else None
            if media is None:
                last = len(upload.data) - 1
                return 308, None, [(b"range", f"bytes=0-{last}".encode())] if last >= 0 else []
        elif kind == "resumable":
            id_ = self._uploads.begin(_json(raw))
            path = f"{self._root(scope)}{scope['path'].lstrip('/')}"
            location = f"{path}?uploadType=resumable&upload_id={id_}"
            return 200, None, [(b"location", location.encode())]
        elif kind == "multipart":
            document, media = split_multipart(headers.get("content-type", ""), raw)
            resource = _json(document)
        else:
            raise NotSupported(f"uploadType {kind}; use multipart or resumable", "uploadType")
        call = Call(path={"project": project}, body=resource, media=media)
        return 200, await self._run(self._api.jobs_insert, call), []

    def _find(self, method: str, path: str) -> tuple[Method, dict[str, str]]:
        for verb, pattern, function in self._routes:
            match = pattern.fullmatch(path)
            if match and verb == method:
                return function, match.groupdict()
        refused.check(method, path)
        raise UnknownPath(method, path)

    def _health(self) -> tuple[int, dict[str, Any]]:
        why = self._trouble()
        tables = self._service.catalog.all_tables()
        return 503 if why else 200, {"status": why or "ok", "tables": len(tables)}

    def close(self) -> None:
        """Let the requests under way end."""
        self._workers.shutdown(wait=True)
        self._waiters.shutdown(wait=True)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")


def _query(raw: bytes) -> dict[str, str]:
    from urllib.parse import parse_qsl

    found: dict[str, str] = {}
    for key, value in parse_qsl(raw.decode()):  # a repeated one is a list, as selectedFields is
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


async def _read(receive: Receive, limit: int, encoding: str = "") -> bytes:
    """The body, unpacked. Raises RequestTooLarge, BadValue, ClientGone."""
    try:
        return await read_body(receive, limit, encoding)
    except BodyTooLarge as error:
        raise RequestTooLarge(limit) from error
    except BadGzip as error:
        raise BadValue("body", "gzip", str(error)) from error


def _json(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadValue("body", "JSON", str(error)) from error
    if not isinstance(body, dict):
        raise BadValue("body", type(body).__name__, "a request is a JSON object")
    return body
