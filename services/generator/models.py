"""1 · What may be asked of the generator and what it answers; the limits are here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    computed_field,
    field_validator,
)

from event_types import registry
from services.generator import schedule
from services.generator.mix import Kind

MOST_PER_MINUTE = 600_000
MOST_MINUTES = 24 * 60
LEAST_LATE = 1.0
NAMES = tuple(each.name for each in registry.ALL)


def known_type(name: str) -> str:
    """The name, if an event type has it. Raises ValueError."""
    if name not in NAMES:
        raise ValueError(f"unknown event type {name!r}; known: {', '.join(NAMES)}")
    return name


EventTypeName = Annotated[
    str, AfterValidator(known_type), Field(json_schema_extra={"enum": list(NAMES)})
]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """A JSON object of the API: just the fields it names."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class SteadyShape(Body):
    """The same rate all the time."""

    kind: Literal["steady"]

    def spread(self) -> schedule.Shape:
        """As the scheduler knows it."""
        return schedule.Steady()


class BurstShape(Body):
    """Bursts at equal distances with silence between them."""

    kind: Literal["burst"]
    bursts: Annotated[int, Field(ge=1, le=10_000)] = 5
    """How many bursts fit in the whole time."""
    duty: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The part of each period that the burst takes; the rest is silence."""

    def spread(self) -> schedule.Shape:
        """As the scheduler knows it."""
        return schedule.Bursts(self.bursts, self.duty)


class DayShape(Body):
    """A shop's day, midnight to midnight, fitted to the whole time."""

    kind: Literal["day"]

    def spread(self) -> schedule.Shape:
        """As the scheduler knows it."""
        return schedule.Profile(schedule.DAY)


Shape = Annotated[SteadyShape | BurstShape | DayShape, Field(discriminator="kind")]


class GenerationRequest(Body):
    """How many events of what, how fast, and how many of them with what fault."""

    # A default can be wrong too, next to another field.
    model_config = ConfigDict(validate_default=True)

    events_per_minute: Annotated[float, Field(gt=0, le=MOST_PER_MINUTE)] = 60
    """The mean rate; the total is this times the duration, rounded, and at least one."""
    duration_minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)] = 1
    """For how long; a fraction is fine."""
    event_types: Annotated[list[EventTypeName], Field(min_length=1, max_length=len(NAMES))] = list(
        NAMES
    )
    """Which types, in equal shares unless `weights` says otherwise."""
    weights: dict[EventTypeName, Annotated[float, Field(gt=0, le=1_000_000)]] | None = None
    """Shares of the types, relative to one another; a type without one has 1."""
    environment: str | None = None
    """If given, must be the environment that this generator publishes in."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    """The same seed gives the same events; without one, the status tells which was taken."""
    invalid_ratio: Ratio = 0
    """Part of the messages that no table can take, for every reason there is."""
    duplicate_ratio: Ratio = 0
    """Part of the messages that repeat an earlier one, event id included."""
    late_ratio: Ratio = 0
    """Part of the messages whose event happened long ago."""
    late_by_minutes: Annotated[float, Field(ge=LEAST_LATE, le=MOST_MINUTES * 365)] = MOST_MINUTES
    """How long ago at most; at least one minute."""
    ordering: bool = False
    """Publish with ordering keys: one customer's, user's or product's events stay in order."""
    shape: Shape = SteadyShape(kind="steady")
    """How the traffic spreads over the time."""

    @field_validator("event_types")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError(f"a type stands twice in {names}")
        return names

    @field_validator("weights")
    @classmethod
    def _of_chosen_types(
        cls, weights: dict[str, float] | None, info: ValidationInfo
    ) -> dict[str, float] | None:
        strange = set(weights or ()) - set(info.data.get("event_types", weights or ()))
        if strange:
            raise ValueError(f"{', '.join(sorted(strange))} not among event_types")
        return weights

    @field_validator("late_ratio")
    @classmethod
    def _parts_of_one_whole(cls, late: float, info: ValidationInfo) -> float:
        whole = late + sum(info.data.get(name, 0) for name in ("invalid_ratio", "duplicate_ratio"))
        if whole > 1:
            raise ValueError(
                "invalid_ratio, duplicate_ratio and late_ratio together should be at most 1; "
                f"got {whole:g}"
            )
        return late

    @property
    def planned_events(self) -> int:
        """The exact total."""
        return max(round(self.events_per_minute * self.duration_minutes), 1)

    def type_weights(self) -> dict[str, float]:
        """Each type's share, relative to the others."""
        return {name: (self.weights or {}).get(name, 1.0) for name in self.event_types}

    def ratios(self) -> dict[Kind, float]:
        """Each kind's part of the whole; the rest is sound."""
        return {
            Kind.INVALID: self.invalid_ratio,
            Kind.DUPLICATE: self.duplicate_ratio,
            Kind.LATE: self.late_ratio,
        }


class ReplayRequest(Body):
    """Which recorded events, and how fast."""

    path: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9._/=-]+$")]
    """A file, or a folder with all below it, in the folder of recordings."""
    events_per_minute: Annotated[float, Field(gt=0, le=MOST_PER_MINUTE)] = 60
    """How fast; the total is the number of recorded lines."""
    environment: str | None = None
    """If given, must be the environment that this generator publishes in."""
    keep_event_ids: bool = False
    """Publish under the recorded event ids, so that what is stored already is a duplicate."""


class State(StrEnum):
    """Where a task is in its life."""

    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class TaskStatus(Body):
    """A task's figures, true at the moment of asking."""

    id: str
    scenario: str | None
    """The scenario it was started from."""
    state: State
    """running; stopping, until what is out is confirmed; completed; stopped; failed, if any
    message was given up."""
    planned: int
    """Messages asked for."""
    published: int
    """Messages handed to Pub/Sub's client."""
    confirmed: int
    """Messages that Pub/Sub has."""
    failed: int
    """Messages given up: refused, or not taken for ten minutes."""
    by_type: dict[str, int]
    """Published, by event type."""
    by_kind: dict[Kind, int]
    """Published, by what they were meant to be."""
    requested_per_minute: float
    """The mean rate asked for."""
    achieved_per_minute: float
    """The mean rate since the start, or over the whole life once it ended."""
    behind_events: int
    """Messages that were due and are not out."""
    behind_seconds: float
    """For how long the next one has been due."""
    started: datetime
    ends: datetime
    """When the plan ends."""
    ended: datetime | None
    """When it really ended."""
    last_error: str | None
    """What Pub/Sub said last, if it does not take messages, or did not."""
    seed: int
    """Starts the same task again."""
    request: GenerationRequest | ReplayRequest

    @computed_field  # type: ignore[prop-decorator] # mypy#1362
    @property
    def task_id(self) -> str:
        """The same as `id`, by the name that the paths of the API have for it."""
        return self.id


class Summary(Body):
    """All tasks together."""

    running: int
    planned: int
    published: int
    confirmed: int
    failed: int
    tasks: list[TaskStatus]
    """Newest first."""


class Published(Body):
    """One event that Pub/Sub has."""

    event_id: str
    event: dict[str, Any]


class Scenario(Body):
    """A named request."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    description: str
    request: GenerationRequest

    @property
    def planned_events(self) -> int:
        """The exact total."""
        return self.request.planned_events


class Health(Body):
    """Whether the generator works, and what it did."""

    status: Literal["ok"]
    environment: str
    topic: str
    published: int
    confirmed: int
    failed: int
    running_tasks: int
    seconds_to_confirm: dict[Literal["p50", "p99"], float] = Field(
        description="From handed over to confirmed, of the last 500; empty before the first."
    )


class Ready(Body):
    """Whether an event published now would arrive."""

    status: Literal["ready"]
    topic: str


class Alive(Body):
    """The process answers."""

    status: Literal["alive"] = "alive"
