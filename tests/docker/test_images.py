"""What compose.yaml and the images promise before anything runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from localgcp import clients
from tests.docker.compose import PORTS, PROJECT, ROOT, ComposeStack
from tests.docker.conftest import Tell

IMAGES = ("emulators", "generator", "table-manager", "pipeline", "local")
BASE = "python:3.11-slim-bookworm"
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
        assert service["init"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if service["image"].startswith("realtime-pipeline/"):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name


def test_what_a_stage_copies_is_watched(tmp_path: Path) -> None:
    """`docker compose up --watch` builds anew whatever a change of code needs."""
    config = json.loads(ComposeStack(tmp_path).compose("config", "--format", "json").stdout)
    copied = copies_of_stages()
    for name, service in config["services"].items():
        if service.get("restart") != "unless-stopped":
            continue
        watched = [Path(each["path"]) for each in service["develop"]["watch"]]
        for path in copied[service["build"]["target"]]:
            assert any((ROOT / path).is_relative_to(each) for each in watched), (name, path)
        assert all(each.exists() for each in watched)


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
        ("generator", ["local", "pipeline", "services.table_manager"]),
        ("table-manager", ["local", "pipeline", "services.generator"]),
        (
            "pipeline",
            ["localgcp.pubsub", "localgcp.bigquery", "localgcp.storage", "local", "services"],
        ),
        ("emulators", ["settings", "event_types", "services", "pipeline", "local"]),
    ],
)
def test_an_image_holds_only_what_it_runs(built: None, image: str, absent: list[str]) -> None:
    for module in absent:
        path = f"{module.replace('.', '/')}/*"
        script = (
            "from pathlib import Path; import sys; "
            f"print(*(file for each in sys.path for file in Path(each).glob('{path}')))"
        )
        assert inside(image, script) == ""


@pytest.mark.parametrize("image", ["generator", "table-manager"])
def test_a_service_carries_the_guard_and_no_emulator(built: None, image: str) -> None:
    script = (
        "from pathlib import Path; import localgcp as it; print(*Path(it.__path__[0]).iterdir())"
    )
    found = {Path(each).name for each in inside(image, script).split()}
    assert found - {"__pycache__"} == {"__init__.py", "guard.py"}


LARGEST_MB = {
    "emulators": 460,
    "pipeline": 430,
    "local": 330,
    "generator": 108,
    "table-manager": 92,
}
"""Above the base image; each is a tenth more than it was when this was written."""


@pytest.mark.parametrize("image", sorted(LARGEST_MB))
def test_an_image_carries_nothing_it_does_not_import(built: None, image: str, tell: Tell) -> None:
    size = (bytes_of(f"realtime-pipeline/{image}") - bytes_of(BASE)) / 1e6
    tell(f"image {image}: {size:.0f} MB above its base")
    assert size <= LARGEST_MB[image]


def bytes_of(image: str) -> int:
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def stages() -> list[str]:
    """The Dockerfile from each FROM on, but for the base."""
    return (ROOT / "docker" / "Dockerfile").read_text().split("\nFROM ")[2:]


def copies_of_stages() -> dict[str, list[str]]:
    """What each stage copies from the checkout, by the stage's name."""
    found = {}
    for stage in stages():
        name = stage.splitlines()[0].rpartition(" ")[2]
        lines = [line.split() for line in stage.splitlines() if line.startswith("COPY ")]
        sources = [words[1:-1] for words in lines if not words[1].startswith("--from")]
        found[name] = [source for each in sources for source in each]
    return found


def test_a_change_of_code_installs_nothing_again() -> None:
    """In each stage the lock is installed before any code comes in."""
    for stage in stages():
        if "pip install" in stage:
            before = stage[: stage.index("pip install")]
            assert before.count("COPY") == 1
            assert "COPY requirements/" in before


def test_the_clients_files_are_those_of_every_other_stack(tmp_path: Path) -> None:
    clients.write_files(tmp_path, "127.0.0.1:9050", PROJECT, "dev_events_dataset")
    for made in tmp_path.iterdir():
        assert (ROOT / "docker" / "clients" / made.name).read_text() == made.read_text()
