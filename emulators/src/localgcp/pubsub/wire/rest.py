"""The JSON REST API, as `gcloud pubsub` speaks it: parse, call the domain, map its error.

An ASGI application. Beside the API it answers `GET /`, `GET /health` and the pages under
`/_emulator/`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from google.protobuf import json_format

from localgcp.asgi import BodyTooLarge, ClientGone
from localgcp.http import BadGzip, read_body
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.errors import InvalidArgument, PubSubError, Unsupported
from localgcp.pubsub.wire import figures, protos, rest_routes, status
from localgcp.pubsub.wire.calls import SERVICES
from localgcp.pubsub.wire.protos import Proto
from localgcp.pubsub.wire.pull import WAIT_WITHOUT_DEADLINE, pull
from localgcp.pubsub.wire.rest_routes import Route

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON, _TEXT = b"application/json; charset=utf-8", b"text/plain; charset=utf-8"
_NO_LIMIT = float("inf")
# Discovery document, "parameters": what any method takes. The first change no answer here.
_SYSTEM = frozenset(
    (
        "$.xgafv",
        "access_token",
        "alt",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    )
)
_REFUSED = frozenset(("callback", "fields"))


# A publish request may have 10 MB; base64 makes that 13.4 MB. What gRPC takes.
MAX_BODY = 16 << 20


class RestApi:
    """The HTTP side of one broker."""

    def __init__(self, broker: Broker, trouble: Callable[[], str | None]) -> None:
        """`trouble` tells why nothing more can be kept, if so: the health page is 503 then."""
        self._broker, self._trouble = broker, trouble
        self._pages = {
            "/_emulator/topics": figures.topics,
            "/_emulator/subscriptions": figures.subscriptions,
        }

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        verb, path = scope["method"], unquote(scope["raw_path"].decode())
        if verb == "GET" and path == "/":
            await _reply(send, 200, b"Ok", _TEXT)
            return
        if verb == "GET" and path == "/health":
            why = self._trouble()
            await _reply(send, 503 if why else 200, _dump(figures.health(self._broker, why)))
            return
        if verb == "GET" and path in self._pages:
            await _reply(send, 200, _dump(self._pages[path](self._broker)))
            return
        try:
            encoding = dict(scope["headers"]).get(b"content-encoding", b"").decode("latin-1")
            body = await read_body(receive, MAX_BODY, encoding)
            response = await self._answer(verb, path, scope["query_string"], body, receive)
            await _reply(send, 200, _dump(json_format.MessageToDict(response)))
        except PubSubError as error:
            code = status.of(error)
            await _reply(send, code.http, _dump(_error(code.http, code.name, str(error))))
        except BodyTooLarge as error:
            await _reply(send, 413, _dump(_error(413, "INVALID_ARGUMENT", str(error))))
        except BadGzip as error:
            await _reply(send, 400, _dump(_error(400, "INVALID_ARGUMENT", str(error))))
        except ClientGone:
            return

    async def _answer(
        self, verb: str, path: str, query: bytes, body: bytes, receive: Receive
    ) -> Proto:
        found = rest_routes.find(verb, path)
        if found is None:
            raise Unsupported(f"{verb} {path}")
        route, resource = found
        if route.method == "Pull":
            request = _request(protos.PullRequest, route, resource, query, body)
            encoded = await _unless_gone(
                pull(self._broker, request, WAIT_WITHOUT_DEADLINE, _NO_LIMIT), receive
            )
            return protos.PullResponse.FromString(encoded)
        call = SERVICES.get(route.service, {}).get(route.method)
        if call is None:
            raise Unsupported(f"{route.service}/{route.method}")
        answer = call.answer(self._broker, _request(call.request, route, resource, query, body))
        await self._broker.durable()
        return answer


def _request(cls: Proto, route: Route, resource: str, query: bytes, body: bytes) -> Proto:
    """Put together a request from its three parts. Raises InvalidArgument."""
    try:
        fields = json.loads(body) if body else {}
        bound = _query(cls, query)
        if route.verb == "GET":
            fields = bound
        elif bound:
            raise ValueError(f"{route.verb} has its fields in the body, not {', '.join(bound)}")
        request = json_format.ParseDict(fields, cls())
    except (ValueError, json_format.ParseError) as error:
        raise InvalidArgument(f"Invalid JSON payload received: {error}") from error
    owner, _, field = route.field.rpartition(".")
    setattr(getattr(request, owner) if owner else request, field, resource)
    return request


def _query(cls: Proto, query: bytes) -> dict[str, str]:
    """The request's fields in a query string. Raises InvalidArgument, Unsupported."""
    known = {*cls.DESCRIPTOR.fields_by_camelcase_name, *cls.DESCRIPTOR.fields_by_name}
    bound = {}
    for key, value in parse_qsl(query.decode()):
        if key in known:
            bound[key] = value
        elif key in _REFUSED or (key == "alt" and value != "json"):
            raise Unsupported(f"the query parameter {key}={value}")
        elif key not in _SYSTEM:
            raise InvalidArgument(f'Invalid query: {cls.DESCRIPTOR.name} has no field "{key}".')
    return bound


async def _unless_gone(answer: Any, receive: Receive) -> bytes:
    """Await `answer`, but drop it when the client hangs up. Raises ClientGone."""
    answering, listening = asyncio.ensure_future(answer), asyncio.ensure_future(receive())
    try:
        await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientGone
        result: bytes = answering.result()
        return result
    finally:
        answering.cancel()
        listening.cancel()


async def _reply(send: Send, code: int, body: bytes, content_type: bytes = _JSON) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(code: int, name: str, text: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": text, "status": name}}


def _dump(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, indent=2).encode() + b"\n"
