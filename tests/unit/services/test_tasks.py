from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from services.generator.fates import PublishFailed
from services.generator.jobs import generation
from services.generator.mix import Kind
from services.generator.models import GenerationRequest, Scenario, State
from services.generator.scenarios import OF_RECORD
from services.generator.tasks import TICK_SECONDS, Task
from tests.unit.services.fakes import JumpingClock, Sink


def run(oversleep: float = 0.0, seed: int = 1, **request: Any) -> tuple[Task, Sink]:
    clock = JumpingClock(oversleep)
    sink = Sink(clock)
    task = Task("t", generation(GenerationRequest.model_validate(request)), seed, sink, clock)
    task.run()
    return task, sink


@pytest.mark.parametrize("scenario", OF_RECORD, ids=lambda each: each.name)
def test_a_scenario_publishes_its_exact_total_in_its_time(scenario: Scenario) -> None:
    clock = JumpingClock(oversleep=0.005)
    sink = Sink(clock)
    task = Task("t", generation(scenario.request, scenario.name), 1, sink, clock)
    task.run()
    status = task.status()
    assert status.state is State.COMPLETED
    request = scenario.request
    planned = request.events_per_minute * request.duration_minutes
    assert (status.published, status.confirmed, len(sink.messages)) == (planned,) * 3
    assert max(sink.moments) < request.duration_minutes * 60
    by_type = Counter(attributes["event_type"] for _, attributes, _ in sink.messages)
    share = planned / len(request.event_types)
    assert set(by_type) == set(request.event_types)
    assert all(abs(count - share) < 1 for count in by_type.values())
    assert status.achieved_per_minute == pytest.approx(request.events_per_minute, rel=0.01)


def test_an_hour_has_no_drift() -> None:
    _, sink = run(oversleep=0.05, events_per_minute=70, duration_minutes=60)
    late = [moment - number * 60 / 70 for number, moment in enumerate(sink.moments)]
    assert len(late) == 4_200
    assert min(late) >= 0
    assert max(late) <= 0.05 + TICK_SECONDS


def test_every_ten_seconds_get_their_share() -> None:
    _, sink = run(oversleep=0.005, events_per_minute=300, duration_minutes=3)
    by_slice = Counter(int(moment // 10) for moment in sink.moments)
    assert all(abs(by_slice[number] - 50) <= 1 for number in range(18))


def test_a_fast_task_publishes_many_a_tick() -> None:
    _, sink = run(events_per_minute=120_000, duration_minutes=0.1)
    assert len(sink.messages) == 12_000
    waits = len(set(sink.moments))
    assert waits <= 6 / TICK_SECONDS + 1
    assert max(after - before for before, after in pairwise(sink.moments)) < 2 * TICK_SECONDS


def test_a_full_sink_puts_a_task_behind_and_it_says_so() -> None:
    clock = JumpingClock()
    sink = Sink(clock, last_error="503 no connection", full_until=30)
    task = Task("t", generation(GenerationRequest(events_per_minute=60)), 1, sink, clock)
    clock.elapsed = 10.5
    status = task.status()
    assert (status.behind_events, status.behind_seconds) == (11, 10.5)
    assert status.last_error == "503 no connection"
    task.run()
    status = task.status()
    assert (status.published, status.confirmed, status.behind_events) == (60, 60, 0)
    assert sink.moments[30] == pytest.approx(30, abs=0.1)
    assert sink.moments[59] == pytest.approx(59)


def test_what_the_sink_gives_up_is_counted() -> None:
    clock = JumpingClock()
    sink = Sink(clock, error=PublishFailed("403 no permission"))
    task = Task("t", generation(GenerationRequest()), 1, sink, clock)
    task.run()
    status = task.status()
    assert (status.published, status.confirmed, status.failed) == (60, 0, 60)
    assert status.state is State.FAILED
    assert status.last_error == "403 no permission"


def test_a_stopped_task_counts_what_it_published() -> None:
    clock = JumpingClock()

    class StoppingSink(Sink):
        def hand_over(self, *message: Any) -> None:
            if len(self.messages) == 19:
                task.stop()
            super().hand_over(*message)

    sink = StoppingSink(clock)
    task = Task("t", generation(GenerationRequest()), 1, sink, clock)
    task.run()
    status = task.status()
    assert (status.state, status.published, status.confirmed) == (State.STOPPED, 20, 20)
    assert status.achieved_per_minute == pytest.approx(60)


def test_an_unexpected_error_ends_the_task_and_is_told() -> None:
    clock = JumpingClock()

    class BrokenSink(Sink):
        def has_room(self) -> bool:
            raise KeyError("room")

    task = Task("t", generation(GenerationRequest()), 1, BrokenSink(clock), clock)
    task.run()
    assert task.status().state is State.FAILED
    assert task.status().last_error == "KeyError: 'room'"


def test_the_same_seed_gives_the_same_messages() -> None:
    asked = {"invalid_ratio": 0.2, "duplicate_ratio": 0.1, "late_ratio": 0.1}
    assert run(seed=5, **asked)[1].messages == run(seed=5, **asked)[1].messages
    assert run(seed=5)[1].messages != run(seed=6)[1].messages


def test_faults_are_exact_and_told() -> None:
    task, sink = run(
        events_per_minute=1_000, invalid_ratio=0.1, duplicate_ratio=0.05, late_ratio=0.2
    )
    assert task.status().by_kind == {
        Kind.SOUND: 650,
        Kind.INVALID: 100,
        Kind.DUPLICATE: 50,
        Kind.LATE: 200,
    }
    ids = [attributes["event_id"] for _, attributes, _ in sink.messages]
    assert len(set(ids)) == 950


def test_ordering_keys_are_those_who_act() -> None:
    _, sink = run(ordering=True)
    keys = {"order": "customer_id", "inventory": "product_id", "user_activity": "user_id"}
    for data, attributes, key in sink.messages:
        assert key == json.loads(data)[keys[attributes["event_type"]]]
    assert {key for _, _, key in run()[1].messages} == {""}
