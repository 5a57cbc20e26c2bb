"""Health means flow: what stands still is unhealthy, and says why."""

from __future__ import annotations

from typing import Any

from local.messages import THREE
from tests.docker.compose import ComposeStack
from tests.docker.waiting import until

FILL = "head -c 200M /dev/zero >/data/filler || true"
STALL_SECONDS = 180


def health(stack: ComposeStack, service: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.container(service)["State"]["Health"]
    return found


def is_unhealthy(stack: ComposeStack, service: str) -> bool:
    return bool(health(stack, service)["Status"] == "unhealthy")


def reason(stack: ComposeStack, service: str) -> str:
    return str(health(stack, service)["Log"][-1]["Output"])


def test_a_full_disk_and_the_job_that_it_holds_up_are_unhealthy_and_say_why(
    own_stack: ComposeStack,
) -> None:
    own_stack.files = ("compose.yaml", "tests/docker/small-disk.yaml")
    own_stack.up()
    own_stack.json("send", "-", stdin=THREE[0].decode())
    until(lambda: own_stack.json("status")["rows"].get("orders") == 1, 60, "the row")
    own_stack.compose("exec", "--no-TTY", "bigquery", "sh", "-c", FILL)
    own_stack.json("send", "-", stdin=THREE[0].decode())
    until(lambda: is_unhealthy(own_stack, "bigquery"), 60, "BigQuery to be unhealthy")
    assert "the disk of the data folder /data is full" in reason(own_stack, "bigquery")
    until(lambda: is_unhealthy(own_stack, "pipeline"), STALL_SECONDS, "the job to be unhealthy")
    assert "fails, last by" in reason(own_stack, "pipeline")
    done = own_stack.run("check", "--within", "1")
    assert done.returncode == 1
    assert "stands still" in done.stdout
    own_stack.compose("exec", "--no-TTY", "bigquery", "rm", "/data/filler")
    own_stack.drained()
    ledger = own_stack.json("ledger")
    assert (ledger["lost"], ledger["duplicated_rows"]) == (0, 0), ledger


def test_asking_after_its_health_leaves_nothing_in_a_log(stack: ComposeStack) -> None:
    for _ in range(20):
        stack.compose("exec", "--no-TTY", "pipeline", "answers", "8082", "/health")
    said = stack.compose("logs", "--no-log-prefix", "pipeline").stdout
    assert "Traceback" not in said
    assert "Exception" not in said
