from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.generator.models import GenerationRequest
from services.generator.scenarios import (
    OF_RECORD,
    BadScenarioFile,
    Scenarios,
    UnknownScenario,
)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"events_per_minute": 0}, "events_per_minute"),
        ({"events_per_minute": 600_001}, "events_per_minute"),
        ({"duration_minutes": -1}, "duration_minutes"),
        ({"duration_minutes": float("nan")}, "duration_minutes"),
        ({"events_per_minute": "60"}, "events_per_minute"),
        ({"ordering": 0}, "ordering"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["refund"]}, "event_types"),
        ({"event_types": ["order", "order"]}, "event_types"),
        ({"event_types": ["order"], "weights": {"inventory": 1}}, "weights"),
        ({"weights": {"order": 0}}, "weights"),
        ({"invalid_ratio": 1.1}, "invalid_ratio"),
        ({"invalid_ratio": 0.6, "late_ratio": 0.6}, "invalid_ratio"),
        ({"late_by_minutes": 0.5}, "late_by_minutes"),
        ({"seed": -1}, "seed"),
        ({"shape": {"kind": "wave"}}, "shape"),
        ({"shape": {"kind": "burst", "duty": 0}}, "duty"),
        ({"pace": 1}, "pace"),
    ],
)
def test_a_bad_field_is_named(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        GenerationRequest.model_validate(asked)


@pytest.mark.parametrize(
    ("per_minute", "minutes", "planned"),
    [
        (12, 1, 12),
        (6000, 1 / 6, 1000),
        (6000, 0.1667, 1000),
        (90, 30, 2700),
        (0.5, 2, 1),
        (1, 0.1, 1),
    ],
)
def test_the_total_is_rate_times_time(per_minute: float, minutes: float, planned: int) -> None:
    request = GenerationRequest(events_per_minute=per_minute, duration_minutes=minutes)
    assert request.planned_events == planned


def test_the_ten_scenarios_are_there() -> None:
    assert {each.name: each.planned_events for each in OF_RECORD} == {
        "quick_sample": 12,
        "light_demo": 150,
        "moderate_load": 600,
        "heavy_load": 1800,
        "burst_test": 900,
        "sustained_demo": 2700,
        "stress_test": 6000,
        "orders_only": 300,
        "inventory_only": 300,
        "user_activity_only": 300,
    }


def test_own_scenarios_come_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "scenarios.json"
    own.write_text(
        json.dumps(
            [
                {
                    "name": "black_friday",
                    "description": "All at once.",
                    "request": {"events_per_minute": 6000, "shape": {"kind": "burst"}},
                }
            ]
        )
    )
    scenarios = Scenarios(own)
    assert scenarios.by_name("black_friday").planned_events == 6000
    assert len(scenarios.all()) == 11
    with pytest.raises(UnknownScenario, match=r"'nothing'; known: quick_sample, .*black_friday"):
        scenarios.by_name("nothing")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "EOF"),
        ('[{"name": "x", "description": "", "request": {"seed": "s"}}]', "seed"),
        ('[{"name": "quick_sample", "description": "", "request": {}}]', "taken: quick_sample"),
    ],
)
def test_a_bad_scenario_file_says_why(tmp_path: Path, text: str, why: str) -> None:
    own = tmp_path / "scenarios.json"
    own.write_text(text)
    with pytest.raises(BadScenarioFile, match=why) as caught:
        Scenarios(own)
    assert str(own) in str(caught.value)


def test_a_missing_scenario_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadScenarioFile, match=r"none\.json"):
        Scenarios(tmp_path / "none.json")
