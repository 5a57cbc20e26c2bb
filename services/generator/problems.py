"""1 · Every error as RFC 9457 problem details, with the field that is wrong named."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from event_types.registry import UnknownEventType
from services.generator.board import KeyReused, TooManyTasks, UnknownTask
from services.generator.fates import PublishFailed, TopicUnreachable
from services.generator.replay import UnknownRecording
from services.generator.scenarios import UnknownScenario

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
STATUS: dict[type[Exception], HTTPStatus] = {
    UnknownEventType: HTTPStatus.NOT_FOUND,
    UnknownTask: HTTPStatus.NOT_FOUND,
    UnknownScenario: HTTPStatus.NOT_FOUND,
    UnknownRecording: HTTPStatus.NOT_FOUND,
    TooManyTasks: HTTPStatus.TOO_MANY_REQUESTS,
    KeyReused: HTTPStatus.CONFLICT,
    TopicUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    PublishFailed: HTTPStatus.BAD_GATEWAY,
}


class FieldProblem(BaseModel):
    """One thing that is wrong with the request."""

    field: str = Field(description="Where it stands: body.events_per_minute, path.event_type.")
    detail: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """RFC 9457, section 3."""

    type: str = Field(description="about:blank: the status says what class of problem it is.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path that was asked for.")
    errors: list[FieldProblem] = Field(default=[], description="The fields that are wrong.")


class BadField(ValueError):
    """A field is well-formed, but can't be used here."""

    def __init__(self, field: str, why: str, status: HTTPStatus) -> None:
        self.field, self.why, self.status = field, why, status
        super().__init__(f"{field}: {why}")


def answer(
    request: Request,
    status: int,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response that says so."""
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=errors or [],
    )
    return JSONResponse(
        problem.model_dump(), status, headers=dict(headers or {}), media_type=CONTENT_TYPE
    )


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What a route's OpenAPI says of the problems it may answer with."""
    return {
        status.value: {
            "description": status.phrase,
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldProblem(field=".".join(map(str, each["loc"])), detail=_reason(each))
        for each in error.errors()
    ]
    detail = "; ".join(f"{each.field}: {each.detail}" for each in errors)
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


def _reason(error: Mapping[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


async def _bad_field(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadField)
    field = FieldProblem(field=error.field, detail=error.why)
    return answer(request, error.status, str(error), [field])


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return answer(request, error.status_code, error.detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """What the path can do by all of its routes; the router names those of the first."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in route.methods or ()})


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # The server logs the traceback; the client gets none of it.
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "the generator failed; see its log")


def _known(status: HTTPStatus) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def handle(request: Request, error: Exception) -> JSONResponse:
        return answer(request, status, str(error))

    return handle


def _describe(app: FastAPI) -> dict[str, Any]:
    """The app's OpenAPI, with the schema of a problem, which no route names as its model."""
    if app.openapi_schema is None:
        schema = FastAPI.openapi(app)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(problem.pop("$defs"), Problem=problem)
    return app.openapi_schema or schema


def install(app: FastAPI) -> None:
    """Make the app answer every error so, and say so in its OpenAPI."""
    app.openapi = partial(_describe, app)  # type: ignore[method-assign]
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(BadField, _bad_field)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    for error, status in STATUS.items():
        app.add_exception_handler(error, _known(status))
