"""The generator as a process, against the Pub/Sub emulator, read back by the official client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud import pubsub_v1

from event_types import registry
from event_types.validate import validate
from settings import load
from tests.integration.processes import PROJECT, ROOT, Emulator, Service, eventually, free_port

NAMES = load({"PROJECT_ID": PROJECT})


def start(folder: Path, **environ: str) -> Service:
    environ = {"PORT": str(free_port()), "PUBLISH_LOG": str(folder / "publish.jsonl"), **environ}
    return Service(["services.generator"], environ, folder / "log")


@pytest.fixture(scope="module")
def subscriber(pubsub: Emulator | None) -> Iterator[pubsub_v1.SubscriberClient]:
    publisher = pubsub_v1.PublisherClient()
    publisher.create_topic(name=NAMES.topic)
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=NAMES.subscription, topic=NAMES.topic)
        yield subscriber
    publisher.stop()


@pytest.fixture(autouse=True)
def nothing_waits(subscriber: pubsub_v1.SubscriberClient) -> None:
    pull(subscriber, 0)


@pytest.fixture
def generator(subscriber: pubsub_v1.SubscriberClient, tmp_path: Path) -> Iterator[Service]:
    service = start(tmp_path)
    yield service
    assert service.stop() == 0


def pull(subscriber: pubsub_v1.SubscriberClient, count: int) -> list[Any]:
    """Pull and ack until there are `count` messages, and no more come."""
    messages: list[Any] = []
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with warnings.catch_warnings():
            # Deprecated, and yet the only way to learn at once that nothing waits.
            warnings.simplefilter("ignore", DeprecationWarning)
            answer = subscriber.pull(
                subscription=NAMES.subscription, max_messages=1000, return_immediately=True
            )
        if answer.received_messages:
            messages += [each.message for each in answer.received_messages]
            subscriber.acknowledge(
                subscription=NAMES.subscription,
                ack_ids=[each.ack_id for each in answer.received_messages],
            )
        elif len(messages) >= count:
            break
    return messages


def recorded(folder: Path) -> list[dict[str, str]]:
    """The publish log."""
    return [json.loads(line) for line in (folder / "publish.jsonl").read_text().splitlines()]


def post(generator: Service, path: str, **body: Any) -> httpx.Response:
    return generator.http.post(path, json=body)


def ended(generator: Service, task: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    """Wait for the end of a task; returns its last status."""

    def status() -> dict[str, Any] | None:
        answer: dict[str, Any] = generator.http.get(f"/generate/status/{task['id']}").json()
        return answer if answer["ended"] else None

    final: dict[str, Any] = eventually(status, seconds)
    return final


def ids(messages: list[Any]) -> list[str]:
    return sorted(message.attributes["event_id"] for message in messages)


def test_it_is_healthy_ready_and_alive(generator: Service) -> None:
    health = generator.http.get("/health").json()
    assert health["status"] == "ok"
    assert 0 <= health["seconds_to_confirm"].get("p50", 0) <= 30
    assert generator.http.get("/liveness").json() == {"status": "alive"}
    ready = generator.http.get("/readiness")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "topic": NAMES.topic})


@pytest.mark.parametrize("name", [each.name for each in registry.ALL])
def test_a_sample_is_valid_and_a_single_event_arrives(
    generator: Service, subscriber: pubsub_v1.SubscriberClient, tmp_path: Path, name: str
) -> None:
    sample = generator.http.get(f"/sample/{name}")
    assert validate(sample.content).event_type == name
    again = [generator.http.get(f"/sample/{name}?seed=5").json() for _ in range(2)]
    keys = [key for key in again[0] if not key.endswith(("date", "timestamp"))]
    assert [again[0][key] for key in keys] == [again[1][key] for key in keys]

    published = post(generator, f"/generate/single/{name}").json()
    (message,) = pull(subscriber, 1)
    assert json.loads(message.data) == published["event"]
    assert dict(message.attributes) == {"event_id": published["event_id"], "event_type": name}
    (line,) = recorded(tmp_path)
    assert (line["event_id"], line["event_type"]) == (published["event_id"], name)
    assert line["published_at"].endswith("+00:00")


def test_a_task_publishes_its_exact_total_at_its_rate(
    generator: Service, subscriber: pubsub_v1.SubscriberClient, tmp_path: Path
) -> None:
    generator.http.get("/readiness")
    began = time.monotonic()
    started = post(generator, "/generate/start", events_per_minute=6000, duration_minutes=0.05)
    assert started.status_code == 202
    status = ended(generator, started.json())
    assert 2.9 < time.monotonic() - began < 6
    counts = {name: status[name] for name in ("planned", "published", "confirmed", "failed")}
    assert counts == {"planned": 300, "published": 300, "confirmed": 300, "failed": 0}
    assert status["state"] == "completed"
    assert status["by_type"] == {"order": 100, "inventory": 100, "user_activity": 100}
    assert status["achieved_per_minute"] == pytest.approx(6000, rel=0.02)
    messages = pull(subscriber, 300)
    assert ids(messages) == sorted(line["event_id"] for line in recorded(tmp_path))
    assert len(set(ids(messages))) == 300
    for message in messages:
        assert validate(message.data).event_type == message.attributes["event_type"]


def test_a_batch_answers_when_all_is_confirmed(
    generator: Service, subscriber: pubsub_v1.SubscriberClient
) -> None:
    asked = {"invalid_ratio": 0.1, "duplicate_ratio": 0.1, "late_ratio": 0.1, "ordering": True}
    answer = post(generator, "/generate/batch", events_per_minute=500, **asked)
    assert (answer.status_code, answer.json()["state"]) == (200, "completed")
    assert answer.json()["by_kind"] == {"sound": 350, "invalid": 50, "duplicate": 50, "late": 50}
    messages = pull(subscriber, 500)
    assert (len(messages), len(set(ids(messages)))) == (500, 450)
    assert all(message.ordering_key for message in messages)


def test_a_stop_is_prompt_and_its_counts_are_exact(
    generator: Service, subscriber: pubsub_v1.SubscriberClient, tmp_path: Path
) -> None:
    task = post(generator, "/scenarios/stress_test/start").json()
    assert (task["scenario"], task["planned"]) == ("stress_test", 6000)
    url = f"/generate/status/{task['id']}"
    eventually(lambda: generator.http.get(url).json()["confirmed"] > 10)
    began = time.monotonic()
    stopped = generator.http.delete(f"/generate/stop/{task['id']}").json()
    assert time.monotonic() - began < 2
    assert stopped["state"] == "stopped"
    assert stopped["published"] == stopped["confirmed"]
    assert len(pull(subscriber, stopped["published"])) == stopped["published"]
    assert len(recorded(tmp_path)) == stopped["published"]

    again = post(generator, "/scenarios/quick_sample/start").json()
    (all_stopped,) = generator.http.delete("/generate/stop").json()
    assert (all_stopped["id"], all_stopped["state"]) == (again["id"], "stopped")
    summary = generator.http.get("/generate/status").json()
    assert [each["id"] for each in summary["tasks"]] == [again["id"], task["id"]]
    assert (summary["running"], summary["planned"]) == (0, 6012)
    assert generator.http.delete(url).json()["id"] == task["id"]
    assert generator.http.get(url).status_code == 404


def test_an_idempotency_key_starts_nothing_twice(generator: Service) -> None:
    key = {"Idempotency-Key": "abc"}
    body = {"events_per_minute": 60, "duration_minutes": 1}
    first, again = (
        generator.http.post("/generate/start", json=body, headers=key).json() for _ in range(2)
    )
    assert first["id"] == again["id"]
    assert first["task_id"] == first["id"], "by the name that a path has for it, too"
    status = generator.http.get(f"/generate/status/{first['task_id']}").json()
    assert status["task_id"] == first["task_id"]
    described = generator.http.get("/openapi.json").json()["components"]["schemas"]["TaskStatus"]
    assert "task_id" in described["required"]
    other = generator.http.post("/generate/start", json={**body, "seed": 1}, headers=key)
    assert (other.status_code, other.json()["title"]) == (409, "Conflict")
    assert len(generator.http.get("/generate/status").json()["tasks"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "field"),
    [
        ("POST", "/generate/start", '{"events_per_minute":0}', 422, "body.events_per_minute"),
        ("POST", "/generate/start", '{"event_types":["x"]}', 422, "body.event_types.0"),
        ("POST", "/generate/start", '{"environment":"prod"}', 409, "body.environment"),
        ("POST", "/generate/start", '{"invalid_ratio":2}', 422, "body.invalid_ratio"),
        ("POST", "/generate/start", '{"pace":2}', 422, "body.pace"),
        ("POST", "/generate/start", "{", 422, "body.1"),
        ("POST", "/generate/batch", '{"ordering":0}', 422, "body.ordering"),
        ("POST", "/generate/batch", '{"weights":{"order":0}}', 422, "body.weights.order"),
        pytest.param(
            *("POST", "/generate/start", " " * 70_000, 413, None), id="a body that is too large"
        ),
        ("GET", "/sample/refund", "", 404, None),
        ("GET", "/sample/order?seed=x", "", 422, "query.seed"),
        ("POST", "/generate/single/refund", "", 404, None),
        ("GET", "/scenarios/nothing", "", 404, None),
        ("POST", "/scenarios/nothing/start", "", 404, None),
        ("GET", "/generate/status/nothing", "", 404, None),
        ("DELETE", "/generate/stop/nothing", "", 404, None),
        ("GET", "/nothing", "", 404, None),
        ("GET", "//evil.example/", "", 404, None),
        ("DELETE", "/health", "", 405, None),
    ],
)
def test_an_error_is_a_problem_that_names_its_field(
    shared: Service, method: str, path: str, content: str, status: int, field: str | None
) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.request(method, shared.url + path, content=content, headers=headers)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert "Traceback" not in answer.text
    if field:
        assert field in [each["field"] for each in problem["errors"]]
        assert field in problem["detail"]


def test_a_body_without_a_length_is_limited_too(shared: Service) -> None:
    chunks = (b" " * 1000 for _ in range(100))
    answer = httpx.post(
        f"{shared.url}/generate/start", content=chunks, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.fixture(scope="module")
def shared(
    subscriber: pubsub_v1.SubscriberClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """For tests that leave no trace."""
    with start(tmp_path_factory.mktemp("generator")) as service:
        yield service


def test_scenarios_are_told(shared: Service) -> None:
    names = [each["name"] for each in shared.http.get("/scenarios").json()]
    assert len(names) == 10
    quick = shared.http.get("/scenarios/quick_sample").json()
    assert quick["request"]["events_per_minute"] == 12


def test_metrics_are_prometheus_text(shared: Service) -> None:
    answer = shared.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE generator_messages_confirmed_total counter" in answer.text


def test_a_token_is_asked_for_where_one_is_set(
    subscriber: pubsub_v1.SubscriberClient, tmp_path: Path
) -> None:
    with start(tmp_path, GENERATOR_TOKEN="secret") as guarded:
        assert guarded.http.get("/health").status_code == 200
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic secret"}):
            answer = guarded.http.get("/scenarios", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
        answer = guarded.http.get("/scenarios", headers={"authorization": "Bearer secret"})
        assert answer.status_code == 200
        assert guarded.stop() == 0


def test_sigterm_in_mid_task_ends_with_all_confirmed(
    subscriber: pubsub_v1.SubscriberClient, tmp_path: Path
) -> None:
    with start(tmp_path) as generator:
        post(generator, "/generate/start", events_per_minute=60_000, duration_minutes=10)
        eventually(lambda: generator.http.get("/health").json()["confirmed"] > 500)
        assert generator.stop() == 0
    (last,) = [line for line in generator.logs() if line["message"].startswith("stopped 1 tasks")]
    count = len(recorded(tmp_path))
    assert last["message"] == (
        f"stopped 1 tasks: published {count}, confirmed {count}, failed 0, unconfirmed 0"
    )
    assert len(pull(subscriber, count)) == count


def test_a_topic_that_is_missing_is_told_and_what_fails_is_counted(
    subscriber: pubsub_v1.SubscriberClient, tmp_path: Path
) -> None:
    with start(tmp_path, ENVIRONMENT="lost") as lost:
        ready = lost.http.get("/readiness")
        assert ready.status_code == 503
        assert f"projects/{PROJECT}/topics/lost-backend-events-topic" in ready.json()["detail"]
        status = post(lost, "/generate/batch", events_per_minute=20).json()
        counts = {name: status[name] for name in ("published", "confirmed", "failed", "state")}
        assert counts == {"published": 20, "confirmed": 0, "failed": 20, "state": "failed"}
        assert "lost-backend-events-topic" in status["last_error"]
        assert post(lost, "/generate/single/order").status_code == 502
        assert not (tmp_path / "publish.jsonl").exists()
        assert lost.stop() == 0


def test_pubsub_away_for_a_while_loses_no_event(
    generator: Service,
    killable_pubsub: Emulator,
    subscriber: pubsub_v1.SubscriberClient,
    tmp_path: Path,
) -> None:
    task = post(generator, "/generate/start", events_per_minute=6000, duration_minutes=0.1).json()
    url = f"/generate/status/{task['id']}"
    eventually(lambda: generator.http.get(url).json()["confirmed"] > 50)
    killable_pubsub.kill()
    trouble = eventually(lambda: generator.http.get(url).json()["last_error"])
    assert "503" in trouble
    assert generator.http.get("/readiness").status_code == 503
    killable_pubsub.start()
    status = ended(generator, task)
    counts = {name: status[name] for name in ("published", "confirmed", "failed", "state")}
    assert counts == {"published": 600, "confirmed": 600, "failed": 0, "state": "completed"}
    assert len({line["event_id"] for line in recorded(tmp_path)}) == 600
    # A publish whose answer was lost on the way is published twice: at least once, that is.
    assert len(set(ids(pull(subscriber, 600)))) == 600


def test_schemathesis_finds_nothing(generator: Service, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(ROOT / "tests/integration/schemathesis.toml")),
            *("run", f"{generator.url}/openapi.json", "--max-examples", "8"),
            *("--seed", "1", "--generation-deterministic", "--no-color"),
        ],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "Tested: 17" in done.stdout
    assert not [line for line in generator.logs() if "stack_trace" in line]
