"""The JSON REST API, as `gcloud pubsub` speaks it: parse, call the domain, map its error.

An ASGI application. Beside the API it answers `GET /`, `GET /health` and the pages under
`/_emulator/`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty

from localgcp.asgi import (
    JSON,
    Application,
    BodyTooLarge,
    ClientGone,
    Reply,
    Request,
    RequestError,
    Route,
)
from localgcp.guard import Receive, Scope, Send
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.errors import InvalidArgument, PubSubError, Unsupported
from localgcp.pubsub.wire import error_codes, http_rules, overview, peeking, protos
from localgcp.pubsub.wire.effects import Effects
from localgcp.pubsub.wire.http_rules import Rule
from localgcp.pubsub.wire.methods import SERVICES
from localgcp.pubsub.wire.protos import Proto
from localgcp.pubsub.wire.pull import WAIT_WITHOUT_DEADLINE, pull
from localgcp.pubsub.wire.push_tokens import PushTokens

_TEXT = (b"content-type", b"text/plain; charset=utf-8")
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


Details = Sequence[Mapping[str, Any]]


class RestApi:
    """The HTTP side of one broker."""

    def __init__(
        self,
        broker: Broker,
        trouble: Callable[[], str | None],
        tokens: PushTokens,
        effects: Effects,
    ) -> None:
        """`trouble` tells why nothing more can be kept, if so: the health page is 503 then.

        `tokens` are those of authenticated pushes, whose keys are served.
        """
        self._broker, self._trouble, self._tokens = broker, trouble, tokens
        self._effects = effects
        pages = (
            Route("GET", "/", _ok),
            Route("GET", "/health", self._health),
            Route("GET", "/_emulator/topics", self._topics),
            Route("GET", "/_emulator/subscriptions", self._subscriptions),
            Route("GET", "/_emulator/trace", self._trace),
            Route("GET", "/_emulator/messages", self._messages),
            Route("GET", "/oauth2/v1/certs", self._certificates),
            Route("GET", "/oauth2/v3/certs", self._jwks),
            Route("GET", "/.well-known/openid-configuration", self._discovery),
        )
        self._application = Application(pages, self._api, _failed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self._application(scope, receive, send)

    async def _health(self, _: Request) -> Reply:
        why = self._trouble()
        return _json(overview.health(self._broker, why), 503 if why else 200)

    async def _topics(self, _: Request) -> Reply:
        return _json(overview.topics(self._broker))

    async def _subscriptions(self, _: Request) -> Reply:
        return _json(overview.subscriptions(self._broker))

    async def _trace(self, request: Request) -> Reply:
        return _json(peeking.trace(self._broker, request.query))

    async def _messages(self, request: Request) -> Reply:
        return _json(peeking.messages(self._broker, request.query))

    async def _certificates(self, _: Request) -> Reply:
        return _json(self._tokens.certificates)

    async def _jwks(self, _: Request) -> Reply:
        return _json(self._tokens.jwks)

    async def _discovery(self, request: Request) -> Reply:
        return _json(self._tokens.discovery(request.root))

    async def _api(self, request: Request) -> Reply:
        return _json(json_format.MessageToDict(await self._answer(request)))

    async def _answer(self, request: Request) -> Proto:
        verb, path = request.method, unquote(request.path)
        body = await request.unpacked(MAX_BODY)
        found = http_rules.find(verb, path)
        if found is None:
            raise Unsupported(f"{verb} {path}")
        rule, resource = found
        if rule.method == "Pull":
            asked = _request(protos.PullRequest, rule, resource, request, body)
            encoded = await _unless_gone(
                pull(self._broker, asked, WAIT_WITHOUT_DEADLINE, self._effects, _NO_LIMIT), request
            )
            return protos.PullResponse.FromString(encoded)
        method = SERVICES.get(rule.service, {}).get(rule.method)
        if method is None:
            raise Unsupported(f"{rule.service}/{rule.method}")
        asked = _request(method.request, rule, resource, request, body)
        if self._effects.lost(rule.method):
            return Empty()
        answer = method.answer(self._broker, asked)
        await self._broker.durable()
        return answer


def _request(cls: Proto, rule: Rule, resource: str, asked: Request, body: bytes) -> Proto:
    """Put together a request from its three parts. Raises InvalidArgument."""
    try:
        fields = json.loads(body) if body else {}
        bound = _query(cls, asked)
        if rule.verb in ("GET", "DELETE"):
            fields = bound
        elif rule.body:
            fields = {rule.body: fields} | bound
        elif bound:
            raise ValueError(f"{rule.verb} has its fields in the body, not {', '.join(bound)}")
        request = json_format.ParseDict(fields, cls())
    except (ValueError, json_format.ParseError) as error:
        raise InvalidArgument(f"Invalid JSON payload received: {error}") from error
    owner, _, field = rule.field.rpartition(".")
    setattr(getattr(request, owner) if owner else request, field, resource)
    return request


def _query(cls: Proto, asked: Request) -> dict[str, Any]:
    """The request's fields in a query string. Raises InvalidArgument, Unsupported."""
    known = {*cls.DESCRIPTOR.fields_by_camelcase_name, *cls.DESCRIPTOR.fields_by_name}
    bound: dict[str, Any] = {}
    for key, value in asked.pairs:
        if not value:
            continue
        if key in known:
            bound[key] = value
        elif key == "options.requestedPolicyVersion" and "options" in known:
            bound["options"] = {"requestedPolicyVersion": value}
        elif key in _REFUSED or (key == "alt" and value != "json"):
            raise Unsupported(f"the query parameter {key}={value}")
        elif key not in _SYSTEM:
            raise InvalidArgument(f'Invalid query: {cls.DESCRIPTOR.name} has no field "{key}".')
    return bound


async def _unless_gone(answer: Any, request: Request) -> bytes:
    """Await `answer`, but drop it when the client hangs up. Raises ClientGone."""
    answering, gone = asyncio.ensure_future(answer), asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientGone
        result: bytes = answering.result()
        return result
    finally:
        answering.cancel()
        gone.cancel()


async def _ok(_: Request) -> Reply:
    return Reply(200, b"Ok", (_TEXT,))


def _failed(error: Exception) -> Reply:
    match error:
        case PubSubError():
            code = error_codes.of(error)
            return _error(code.http, code.name, str(error), error_codes.details(error))
        case RequestError():
            refused = 413 if isinstance(error, BodyTooLarge) else 400
            return _error(refused, "INVALID_ARGUMENT", str(error))
        case _:
            return _error(500, "INTERNAL", f"internal error: {type(error).__name__}: {error}")


def _error(code: int, name: str, text: str, details: Details = ()) -> Reply:
    told = {"code": code, "message": text, "status": name}
    return _json({"error": told | ({"details": details} if details else {})}, code)


def _json(payload: dict[str, Any], code: int = 200) -> Reply:
    """As Google's servers send it: with line breaks."""
    return Reply(code, json.dumps(payload, indent=2).encode() + b"\n", (JSON,))
