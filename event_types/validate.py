"""0 · Bytes come in; an event leaves, or InvalidEvent with the reason for the dead letter."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from event_types import registry
from event_types.base import Event
from event_types.dead_letter import Reason

MAX_BYTES = 1024 * 1024
SHOWN_ERRORS = 5
SHOWN_VALUE = 100

# pydantic's error types, by the reason they are to us; any other ends in `_type` or is a range.
_REASONS = {
    "json_invalid": Reason.NOT_JSON,
    "union_tag_invalid": Reason.UNKNOWN_EVENT_TYPE,
    "union_tag_not_found": Reason.MISSING_FIELD,
    "missing": Reason.MISSING_FIELD,
    "extra_forbidden": Reason.UNKNOWN_FIELD,
    "datetime_parsing": Reason.WRONG_TYPE,
    "datetime_from_date_parsing": Reason.WRONG_TYPE,
    "timezone_aware": Reason.WRONG_TYPE,
    "int_from_float": Reason.WRONG_TYPE,
}


class InvalidEvent(ValueError):
    """Data that is no event: `reason` is its class, `detail` names each field and value."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class Validator:
    """Validates against a set of event types; `validate` below is the one for all of them."""

    def __init__(self, models: tuple[type[Event], ...], max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        # Inside a tagged union the first step of an error's path is the tag.
        self._tags = 1 if len(models) > 1 else 0
        # A union by tag: one pass over the JSON finds the type and checks the fields.
        union: Any = Annotated[reduce(or_, models), Field(discriminator="event_type")]
        self._adapter: TypeAdapter[Event] = TypeAdapter(union if len(models) > 1 else models[0])

    def __call__(self, data: bytes) -> Event:
        """Turn UTF-8 JSON into an event. Raises InvalidEvent, and nothing else."""
        if len(data) > self._max_bytes:
            raise InvalidEvent(
                Reason.TOO_LARGE, f"{len(data)} bytes; an event may have {self._max_bytes}"
            )
        try:
            return self._adapter.validate_json(data)
        except ValidationError as error:
            raise self._invalid(error.errors(include_url=False)) from None

    def sparing(self, data: bytes) -> tuple[Event, dict[str, Any]]:
        """The same, but fields that the type does not have are set aside instead of refused.

        They come back by name, as deep as they were; an item of an array by its index, as text.
        Raises InvalidEvent for anything else that is wrong.
        """
        if len(data) > self._max_bytes:
            return self(data), {}
        try:
            return self._adapter.validate_json(data), {}
        except ValidationError as error:
            errors = error.errors(include_url=False)
        others = [each for each in errors if each["type"] != "extra_forbidden"]
        if others:
            raise self._invalid(others)
        extra: dict[str, Any] = {}
        document = from_json(data)
        for each in errors:
            _set_aside(document, extra, each["loc"][self._tags :])
        return self._adapter.validate_json(to_json(document)), extra

    @staticmethod
    def _invalid(errors: list[ErrorDetails]) -> InvalidEvent:
        shown = "; ".join(_describe(each) for each in errors[:SHOWN_ERRORS])
        more = len(errors) - SHOWN_ERRORS
        return InvalidEvent(_reason(errors[0]), shown + (f"; and {more} more" if more > 0 else ""))


def _set_aside(document: Any, extra: dict[str, Any], path: tuple[int | str, ...]) -> None:
    """Move what is at a path from one document to another."""
    *steps, last = path
    for step in steps:
        document = document[step]
        extra = extra.setdefault(str(step), {})
    extra[str(last)] = document.pop(last)


def _reason(error: ErrorDetails) -> Reason:
    kind = error["type"]
    if kind in _REASONS:
        return _REASONS[kind]
    if not error["loc"]:
        return Reason.NOT_AN_OBJECT
    if kind.endswith("_type"):
        return Reason.WRONG_TYPE
    return Reason.VALUE_OUT_OF_RANGE


def _describe(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "json_invalid":
        return error["msg"]
    if kind == "union_tag_invalid":
        context = error["ctx"]
        return f"event_type: got {context['tag']!r}, expected one of {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return "event_type: required"
    # Inside a tagged union the first step of the path is the tag.
    field = ".".join(str(step) for step in error["loc"][1:]) or "event"
    if kind == "missing":
        return f"{field}: required"
    return f"{field}: {error['msg']}; got {_shown(error['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}… ({len(text)} characters)"


validate = Validator(tuple(each.model for each in registry.ALL))
