"""Faults thrown on purpose: an error, a delay or an effect for some calls, drawn by a seed.

An effect is what one emulator alone can do amiss, such as Pub/Sub a second delivery; it says which
it has when it makes its `Faults`, and asks for them where they would happen.

A call is known by a word: gRPC's by its method, such as `Publish`; HTTP's by verb and path, such
as `POST /bigquery/v2/projects/p/queries`. A fault's `match` is that word, with `*` for anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from random import Random
from types import MappingProxyType
from typing import Any

# google.rpc.Code, with the HTTP status that Google's APIs answer for each.
CODES = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
LONGEST_DELAY_S = 600


class BadFault(ValueError):
    """What was asked for is no fault; the text names field and value."""

    def __init__(self, name: str, value: object, why: str) -> None:
        super().__init__(f"{name} {why}; got {value!r}")


class Thrown(Exception):
    """A call fails because it was meant to."""

    def __init__(self, code: str, match: str) -> None:
        self.code = code
        super().__init__(f"fault {match!r} was thrown on purpose")

    @property
    def http(self) -> int:
        """The status over HTTP."""
        return CODES[self.code]


@dataclass
class Fault:
    """One fault; `code` empty means a delay or an effect alone."""

    match: str
    code: str = ""
    rate: float = 1.0
    """Of the calls that match, the share that it meets."""
    times: int | None = None
    """How many it meets before it is over; None: no end."""
    delay_seconds: float = 0.0
    effect: str = ""
    met: int = field(default=0, compare=False)
    """How many it has met."""

    def __post_init__(self) -> None:
        """Check every field. Raises BadFault."""
        if not isinstance(self.match, str) or not self.match:
            raise BadFault("match", self.match, "should name a call, such as Publish or *")
        if self.code not in ("", *CODES):
            raise BadFault("code", self.code, f"should be one of {', '.join(CODES)}")
        if not _is_number(self.rate) or not 0 <= self.rate <= 1:
            raise BadFault("rate", self.rate, "should be a number from 0 to 1")
        if self.times is not None and (not isinstance(self.times, int) or self.times < 1):
            raise BadFault("times", self.times, "should be a whole number from 1, or null")
        if not _is_number(self.delay_seconds) or not 0 <= self.delay_seconds <= LONGEST_DELAY_S:
            why = f"should be a number from 0 to {LONGEST_DELAY_S}"
            raise BadFault("delay_seconds", self.delay_seconds, why)
        if not (self.code or self.delay_seconds or self.effect):
            why = "should be given where there is no delay_seconds and no effect"
            raise BadFault("code", self.code, why)

    def over(self) -> bool:
        """Whether it has met all that it may."""
        return self.times is not None and self.met >= self.times


class Faults:
    """The faults of one emulator, none at first; `effects` are those that it has, by name."""

    def __init__(self, effects: Mapping[str, str] = MappingProxyType({})) -> None:
        self.seed = 0
        self.random = Random(0)
        self._effects = effects
        self._faults: list[Fault] = []
        self._anew = asyncio.Event()

    def throw(self, faults: Sequence[Mapping[str, Any]], seed: int = 0) -> None:
        """Put these in place of those before. Raises BadFault, and then nothing has changed."""
        known = {name for name in Fault.__dataclass_fields__ if name != "met"}
        made = []
        for each in faults:
            unknown = sorted(set(each) - known)
            if unknown:
                raise BadFault(unknown[0], each[unknown[0]], "is no field of a fault")
            fault = Fault(**{"match": "", **each})
            if fault.effect and fault.effect not in self._effects:
                has = (
                    f"should be one of {', '.join(self._effects)}" if self._effects else "has none"
                )
                raise BadFault("effect", fault.effect, has)
            made.append(fault)
        self._faults, self.seed, self.random = made, seed, Random(seed)
        self._anew.set()
        self._anew = asyncio.Event()

    def as_json(self) -> dict[str, Any]:
        """The faults, with how many calls each has met, and the effects that there are."""
        faults = [asdict(fault) for fault in self._faults]
        return {"seed": self.seed, "faults": faults, "effects": dict(self._effects)}

    async def meet(self, call: str) -> None:
        """Delay or fail the call, if a fault is due. Raises Thrown."""
        for fault in self._due(call, ""):
            if fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            if fault.code:
                raise Thrown(fault.code, fault.match)

    def has(self, effect: str) -> bool:
        """Whether a fault of this effect is thrown at any call: a quick look, for busy ways."""
        return any(fault.effect == effect for fault in self._faults)

    def due(self, call: str, effect: str) -> Fault | None:
        """The fault by which the call is to have this effect, drawn and counted."""
        return next(self._due(call, effect), None)

    async def thrown_anew(self, seconds: float | None = None) -> bool:
        """Wait until faults are thrown or cleared; False where `seconds` passed without."""
        try:
            async with asyncio.timeout(seconds):
                return await self._anew.wait()
        except TimeoutError:
            return False

    def _due(self, call: str, effect: str) -> Iterator[Fault]:
        for fault in self._faults:
            if fault.effect != effect or fault.over() or not fnmatchcase(call, fault.match):
                continue
            if fault.rate < 1 and self.random.random() >= fault.rate:
                continue
            fault.met += 1
            yield fault


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
