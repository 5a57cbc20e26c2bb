"""1 · The routes: a request comes in, a task or a message leaves. Next: tasks.py, publish.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import TimeoutError as NotInTime
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from random import Random
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from event_types import registry
from services.generator import problems
from services.generator.fates import TopicUnreachable
from services.generator.guard import BodyLimit, bearer_token
from services.generator.jobs import generation, replay
from services.generator.models import (
    NAMES,
    Alive,
    GenerationRequest,
    Health,
    Published,
    Ready,
    ReplayRequest,
    Scenario,
    Summary,
    TaskStatus,
)
from services.generator.problems import BadField, responses
from services.generator.replay import Recording
from services.generator.service import Service
from services.generator.tasks import Task
from services.guard import App

CONFIRM_SECONDS = 10.0
"""How long a request waits for Pub/Sub's word before it answers with what is known."""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(_service)]
TypeName = Annotated[
    str, Path(description="Name of an event type.", json_schema_extra={"enum": list(NAMES)})
]
TaskId = Annotated[str, Path(description="Id of a task, as its start answered.")]
ScenarioName = Annotated[str, Path(description="Name of a scenario.")]
Seed = Annotated[int | None, Query(description="Makes the event repeatable.", ge=0, lt=2**63)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A request that comes again with its key starts nothing twice.",
        min_length=1,
        max_length=255,
    ),
]

health = APIRouter(tags=["health"])
events = APIRouter(tags=["events"])
NOT_FOUND, INVALID = HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
UNAVAILABLE, TOO_LARGE = HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
STARTING = responses(
    HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, TOO_LARGE, INVALID, HTTPStatus.TOO_MANY_REQUESTS
)


@health.get("/health")
def get_health(service: Here) -> Health:
    """Whether the generator works, and what it did so far."""
    counts = service.publisher.counts()
    return Health(
        status="ok",
        environment=service.environment,
        topic=service.publisher.topic,
        published=counts.published,
        confirmed=counts.confirmed,
        failed=counts.failed,
        running_tasks=sum(task.active for task in service.board.all()),
        seconds_to_confirm=_percentiles(service.publisher.seconds_to_confirm()),
    )


def _percentiles(sizes: list[float]) -> dict[Literal["p50", "p99"], float]:
    """The median and the 99th percentile of sorted seconds; {} of none."""
    last = len(sizes) - 1
    return {"p50": sizes[last // 2], "p99": sizes[last * 99 // 100]} if sizes else {}


@health.get("/readiness", responses=responses(UNAVAILABLE))
def get_readiness(service: Here) -> Ready:
    """Whether an event published now would arrive: Pub/Sub answers and has the topic."""
    service.publisher.check()
    return Ready(status="ready", topic=service.publisher.topic)


@health.get("/liveness")
async def get_liveness() -> Alive:
    """The process answers."""
    return Alive()


@health.get("/metrics", response_class=Response)
def get_metrics(service: Here) -> Response:
    """Figures for Prometheus."""
    return Response(generate_latest(service.metrics), media_type=CONTENT_TYPE_LATEST)


@events.get("/sample/{event_type}", responses=responses(NOT_FOUND, INVALID))
def get_sample(event_type: TypeName, seed: Seed = None) -> dict[str, Any]:
    """An event of this type, as it would be published; nothing is."""
    event = registry.by_name(event_type).fake(Random(seed), datetime.now(UTC))
    return event.model_dump(mode="json")


@events.post(
    "/generate/single/{event_type}",
    responses=responses(NOT_FOUND, INVALID, HTTPStatus.BAD_GATEWAY, UNAVAILABLE),
)
def generate_single(service: Here, event_type: TypeName, seed: Seed = None) -> Published:
    """Publish one event, and answer once Pub/Sub has it."""
    event = registry.by_name(event_type).fake(Random(seed), datetime.now(UTC))
    attributes = {"event_id": str(uuid4()), "event_type": event_type}
    receipt = service.publisher.publish(event.model_dump_json().encode(), attributes)
    try:
        event_id = receipt.result(CONFIRM_SECONDS)
    except NotInTime:
        why = service.publisher.last_error or f"no answer in {CONFIRM_SECONDS:g} s"
        raise TopicUnreachable(service.publisher.topic, why) from None
    return Published(event_id=event_id, event=event.model_dump(mode="json"))


@events.post("/generate/batch", responses={202: {"model": TaskStatus}, **STARTING})
def generate_batch(
    service: Here, request: GenerationRequest, answer: Response, key: Key = None
) -> TaskStatus:
    """Publish all events at once, at no pace, and answer when they are confirmed.

    202 says that some are not confirmed yet; the status of the task tells when they are.
    """
    _check_environment(service, request)
    task = service.board.start(generation(request, paced=False), key)
    if not task.wait(CONFIRM_SECONDS):
        answer.status_code = HTTPStatus.ACCEPTED
    return task.status()


@events.post("/generate/start", status_code=202, responses=STARTING)
def generate_start(service: Here, request: GenerationRequest, key: Key = None) -> TaskStatus:
    """Start a task that publishes events at an even pace."""
    _check_environment(service, request)
    return service.board.start(generation(request), key).status()


@events.post("/generate/replay", status_code=202, responses={**STARTING, **responses(NOT_FOUND)})
def generate_replay(service: Here, request: ReplayRequest, key: Key = None) -> TaskStatus:
    """Start a task that publishes recorded events again, each once, at an even pace."""
    _check_environment(service, request)
    recording = Recording(service.recordings, request.path)
    return service.board.start(replay(request, recording), key).status()


@events.get("/scenarios")
def get_scenarios(service: Here) -> list[Scenario]:
    """Every request that has a name."""
    return service.scenarios.all()


@events.get("/scenarios/{name}", responses=responses(NOT_FOUND, INVALID))
def get_scenario(service: Here, name: ScenarioName) -> Scenario:
    """One of them."""
    return service.scenarios.by_name(name)


@events.post(
    "/scenarios/{name}/start", status_code=202, responses={**STARTING, **responses(NOT_FOUND)}
)
def start_scenario(service: Here, name: ScenarioName, key: Key = None) -> TaskStatus:
    """Start a scenario's task."""
    scenario = service.scenarios.by_name(name)
    return service.board.start(generation(scenario.request, scenario.name), key).status()


@events.get("/generate/status")
def get_statuses(service: Here) -> Summary:
    """Every task, the newest first, and their sums."""
    tasks = [task.status() for task in service.board.all()]
    return Summary(
        running=sum(task.ended is None for task in tasks),
        planned=sum(task.planned for task in tasks),
        published=sum(task.published for task in tasks),
        confirmed=sum(task.confirmed for task in tasks),
        failed=sum(task.failed for task in tasks),
        tasks=tasks,
    )


@events.get("/generate/status/{task_id}", responses=responses(NOT_FOUND, INVALID))
def get_status(service: Here, task_id: TaskId) -> TaskStatus:
    """One task."""
    return service.board.get(task_id).status()


@events.delete("/generate/status/{task_id}", responses=responses(NOT_FOUND, INVALID))
def forget_task(service: Here, task_id: TaskId) -> TaskStatus:
    """Stop a task if it runs, and forget it; answers its last figures."""
    task = service.board.get(task_id)
    status = _stop([task])[0]
    service.board.forget(task_id)
    return status


@events.delete("/generate/stop")
def stop_all(service: Here) -> list[TaskStatus]:
    """Stop every task that runs; answers their figures once what is out is confirmed."""
    return _stop(service.board.stop_all())


@events.delete("/generate/stop/{task_id}", responses=responses(NOT_FOUND, INVALID))
def stop_task(service: Here, task_id: TaskId) -> TaskStatus:
    """Stop one task; answers its figures once what is out is confirmed."""
    return _stop([service.board.get(task_id)])[0]


def _check_environment(service: Service, request: GenerationRequest | ReplayRequest) -> None:
    if request.environment not in (None, service.environment):
        raise BadField(
            "body.environment",
            f"this generator publishes in {service.environment!r}; got {request.environment!r}",
            HTTPStatus.CONFLICT,
        )


def _stop(tasks: list[Task]) -> list[TaskStatus]:
    for task in tasks:
        task.stop()
    for task in tasks:
        task.wait(CONFIRM_SECONDS)
    return [task.status() for task in tasks]


def create_app(service: Service, token: str | None, guarded: Callable[[App], App]) -> FastAPI:
    """The application over a service, which it starts and closes; `guarded` puts a guard before."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.warm_up()
        yield
        service.close()

    # The pages' scripts come with the package: /docs works where there is no network.
    app = FastAPIOffline(
        title="Event generator",
        summary="Publishes believable events to Pub/Sub, at an honest pace.",
        version="1",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.service = service
    app.add_middleware(BodyLimit)
    app.add_middleware(guarded)  # the last one added is asked first
    problems.install(app)
    app.include_router(health)
    if token is None:
        app.include_router(events)
    else:
        app.include_router(
            events,
            dependencies=[Depends(bearer_token(token))],
            responses=responses(HTTPStatus.UNAUTHORIZED),
        )
    return app
