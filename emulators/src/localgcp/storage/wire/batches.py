"""Batches: many calls in one request, each answered for itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.storage.errors import Invalid, NotSupported
from localgcp.storage.wire import answers, multipart

MAX_BATCH = 10 * 1024 * 1024  # "Batch requests": the payload is less than 10 MB
MAX_CALLS = 1000


class Batches:
    """Of the page "Batch requests"; `answer` answers one call as if it had come alone."""

    def __init__(self, answer: Callable[[Request], Awaitable[Reply]]) -> None:
        self._answer = answer

    def routes(self) -> list[Route]:
        """For the front."""
        return [
            Route("POST", "/batch/storage/v1", self._batch),
            Route("POST", "/batch", self._batch),
        ]

    async def _batch(self, request: Request) -> Reply:
        """Each part a request of its own, in order; one that fails does not stop the next."""
        calls = multipart.split_batch(
            await request.body(MAX_BATCH), request.headers.get("content-type", "")
        )
        if len(calls) > MAX_CALLS:
            raise Invalid("body", len(calls), f"a batch has at most {MAX_CALLS} requests")
        boundary = "batch_of_the_front"
        parts = [await self._batched(request, call) for call in calls]
        body = b"".join(f"--{boundary}\r\n".encode() + part for part in parts)
        headers = ((b"content-type", f"multipart/mixed; boundary={boundary}".encode()),)
        return Reply(200, body + f"--{boundary}--\r\n".encode(), headers)

    async def _batched(self, outer: Request, call: multipart.BatchedRequest) -> bytes:
        path, _, query = call.target.partition("?")
        host = outer.headers.get("host", "")
        scope = {
            "method": call.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [*call.headers, (b"host", host.encode())],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": call.body}

        if path.startswith("/storage/v1/") and "alt=media" not in query:
            reply = await self._answer(Request(scope, receive))
        else:
            reply = answers.failed(NotSupported(f"{call.method} {path} in a batch"))
        assert isinstance(reply.body, bytes)
        # apitools, and so gsutil, looks for the length and the type of what is inside.
        inner = [*reply.headers, (b"content-length", str(len(reply.body)).encode())]
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}".encode()]
        lines += [name + b": " + value for name, value in inner]
        head = f"content-type: application/http\r\ncontent-id: {multipart.response_id(call.id)}"
        return (
            head.encode() + b"\r\n\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + reply.body + b"\r\n"
        )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
