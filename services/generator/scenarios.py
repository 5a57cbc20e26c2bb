"""1 · Requests with names: the ten of record, and own ones from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.generator.models import GenerationRequest, Scenario


class BadScenarioFile(ValueError):
    """The file of own scenarios can't be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"scenario file {path}: {why}")


class UnknownScenario(LookupError):
    """No scenario has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown scenario {name!r}; known: {', '.join(known)}")


def _scenario(
    name: str, description: str, per_minute: float, minutes: float, *event_types: str
) -> Scenario:
    chosen = {"event_types": list(event_types)} if event_types else {}
    request = GenerationRequest.model_validate(
        {"events_per_minute": per_minute, "duration_minutes": minutes, **chosen}
    )
    return Scenario(name=name, description=description, request=request)


OF_RECORD = (
    _scenario("quick_sample", "A dozen events in a minute: does it work?", 12, 1),
    _scenario("light_demo", "Light traffic for a short demonstration.", 30, 5),
    _scenario("moderate_load", "An event a second.", 60, 10),
    _scenario("heavy_load", "Two events a second for a quarter of an hour.", 120, 15),
    _scenario("burst_test", "Five events a second, briefly.", 300, 3),
    _scenario("sustained_demo", "Steady traffic for half an hour.", 90, 30),
    _scenario("stress_test", "Ten events a second for ten minutes.", 600, 10),
    _scenario("orders_only", "Orders and nothing else.", 60, 5, "order"),
    _scenario("inventory_only", "Moves of stock and nothing else.", 60, 5, "inventory"),
    _scenario("user_activity_only", "User activity and nothing else.", 60, 5, "user_activity"),
)


class Scenarios:
    """All that can be started by name."""

    def __init__(self, own: Path | None = None) -> None:
        self._by_name = {each.name: each for each in OF_RECORD}
        if own is not None:
            self._by_name.update({each.name: each for each in read(own)})

    def all(self) -> list[Scenario]:
        """Those of record first."""
        return list(self._by_name.values())

    def by_name(self, name: str) -> Scenario:
        """The scenario called `name`. Raises UnknownScenario."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownScenario(name, list(self._by_name)) from None


def read(path: Path) -> list[Scenario]:
    """A JSON array of scenarios: name, description, request. Raises BadScenarioFile."""
    try:
        own = TypeAdapter(list[Scenario]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadScenarioFile(path, str(error)) from error
    taken = {each.name for each in own} & {each.name for each in OF_RECORD}
    if taken:
        raise BadScenarioFile(path, f"names that are taken: {', '.join(sorted(taken))}")
    return own
