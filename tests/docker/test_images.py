"""What compose.yaml and the images promise before anything runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from localgcp.clients import CREDENTIALS
from tests.docker.compose import PORTS, ROOT, ComposeStack

IMAGES = ("emulators", "generator", "table-manager", "pipeline", "local")
FILES = (("compose.yaml",), ("compose.yaml", "compose.upstream.yaml"))


def inside(image: str, script: str) -> str:
    """What a Python script prints in a container of the image."""
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none", "--entrypoint", "python"),
            *(f"realtime-pipeline/{image}", "-c", script),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("files", FILES, ids="+".join)
def test_the_file_is_valid_and_every_port_stays_on_this_machine(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    stack = ComposeStack(tmp_path, files)
    config = json.loads(stack.compose("config", "--format", "json").stdout)
    published = [port for each in config["services"].values() for port in each.get("ports", ())]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert {port["published"] for port in published} == {stack.ports[name] for name in PORTS}
    for name, service in config["services"].items():
        assert service["mem_limit"], name
        assert not service.get("privileged"), name


@pytest.mark.parametrize("image", IMAGES)
def test_nobody_is_root(built: None, image: str) -> None:
    assert inside(image, "import os; print(os.getuid())") == "10001"


@pytest.mark.parametrize("image", sorted({*IMAGES} - {"pipeline"}))
def test_only_the_pipeline_carries_beam(built: None, image: str) -> None:
    script = "from importlib.util import find_spec; print(find_spec('apache_beam'))"
    assert inside(image, script) == "None"
    assert inside("pipeline", script) != "None"


@pytest.mark.parametrize(
    ("image", "absent"),
    [
        ("generator", ["localgcp", "local", "pipeline", "services.table_manager"]),
        ("table-manager", ["localgcp", "local", "pipeline", "services.generator"]),
        ("pipeline", ["localgcp.pubsub", "localgcp.bigquery", "local", "services"]),
        ("emulators", ["settings", "event_types", "services", "pipeline", "local"]),
    ],
)
def test_an_image_holds_only_what_it_runs(built: None, image: str, absent: list[str]) -> None:
    for module in absent:
        path = module.replace(".", "/")
        script = f"from pathlib import Path; print(*Path('/app').glob('{path}*'))"
        assert inside(image, script) == ""


def test_a_change_of_code_installs_nothing_again() -> None:
    """In each stage the lock is installed before any code comes in."""
    stages = (ROOT / "docker" / "Dockerfile").read_text().split("\nFROM ")[2:]
    for stage in stages:
        if "pip install" in stage:
            before = stage[: stage.index("pip install")]
            assert before.count("COPY") == 1
            assert "COPY requirements/" in before


def test_the_credentials_are_those_of_every_other_stack() -> None:
    assert json.loads((ROOT / "docker" / "credentials.json").read_text()) == CREDENTIALS
