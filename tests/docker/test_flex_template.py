"""The image that Dataflow launches and its workers run, but for the two programs of Google's.

These come from images that not every machine can pull, so their stages are folders here that hold
a script in the program's place; everything else of the stage is built as the cloud builds it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.docker.compose import ROOT

IMAGE = "realtime-pipeline/flex-template-of-tests"
LAUNCHER = "opt/google/dataflow/python_template_launcher"
BOOT = "opt/apache/beam/boot"
LOADED = """
import json, os, sys
import apache_beam.runners.dataflow.dataflow_runner, apache_beam.runners.worker.sdk_worker_main
import pipeline.graph, pipeline.main
print(json.dumps({"uid": os.getuid(), "safe": sys.flags.safe_path}))
"""


@pytest.fixture(scope="module")
def image(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("stages")
    command = ["docker", "build", "--quiet", "--file", "docker/Dockerfile"]
    command += ["--target", "flex-template", "--tag", IMAGE]
    for stage, file in (("launcher", LAUNCHER), ("sdk", BOOT)):
        program = folder / stage / file
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho {stage} "$@"\n')
        program.chmod(0o755)
        command += ["--build-context", f"{stage}={folder / stage}"]
    subprocess.run([*command, "."], cwd=ROOT, check=True, capture_output=True)
    yield IMAGE
    subprocess.run(["docker", "image", "rm", IMAGE], check=True, capture_output=True)


def inside(image: str, *words: str, entrypoint: str | None = None) -> str:
    chosen = ["--entrypoint", entrypoint] if entrypoint else []
    command = ["docker", "run", "--rm", "--network", "none", *chosen, image, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_worker_starts_beam_s_boot_and_the_launcher_is_where_dataflow_calls_it(
    image: str,
) -> None:
    assert inside(image, "--id=1") == "sdk --id=1"
    assert inside(image, "job", entrypoint=f"/{LAUNCHER}") == "launcher job"


def test_launcher_and_workers_find_the_pipeline_and_may_write_as_root(image: str) -> None:
    found = json.loads(inside(image, "-c", LOADED, entrypoint="python"))
    assert found == {"uid": 0, "safe": True}
    script = 'test -r "$FLEX_TEMPLATE_PYTHON_PY_FILE" && echo "$FLEX_TEMPLATE_PYTHON_PY_FILE"'
    assert inside(image, "-c", script, entrypoint="sh") == "/app/pipeline/main.py"


def test_the_launcher_s_file_runs_by_itself(image: str) -> None:
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python", image]
    words = ["/app/pipeline/main.py", "--environment=dev", "--project=p-1", "--file_shards=0"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "file_shards" in done.stderr
