"""gcloud storage and gsutil, as `python -m local env` leads them, up and down through the front."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from google.cloud import storage

from localgcp import environment
from localgcp.storage.emulator import StorageEmulator

pytestmark = [pytest.mark.installed, pytest.mark.timeout(900)]


def _program(name: str) -> list[str]:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    return [name] if name == "gsutil" else [name, "storage"]


@pytest.fixture
def environ(emulator: StorageEmulator, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "boto").write_text(environment.boto())
    (tmp_path / "token").write_text("local")
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        **emulator.env(),
        "CLOUDSDK_CORE_PROJECT": "local-project",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(tmp_path / "token"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CONFIG": str(tmp_path / "config"),
        "BOTO_CONFIG": str(tmp_path / "boto"),
    }


@pytest.mark.parametrize("name", ["gcloud", "gsutil"])
def test_files_go_up_and_down(
    name: str, environ: dict[str, str], bucket: storage.Bucket, tmp_path: Path
) -> None:
    program = _program(name)

    def run(*words: str) -> str:
        ran = subprocess.run(
            [*program, *words],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    at = f"gs://{bucket.name}"
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "back").mkdir()
    (tmp_path / "tree" / "x").write_text("1")
    (tmp_path / "tree" / "sub" / "y").write_text("2")
    big = os.urandom(9_000_000)  # gcloud sends what is over 8 MiB resumably
    (tmp_path / "big").write_bytes(big)
    run("cp", "big", f"{at}/d/big")
    assert bucket.blob("d/big").download_as_bytes() == big
    run("cp", f"{at}/d/big", "down")
    assert (tmp_path / "down").read_bytes() == big
    run("rsync", "-r", "tree", f"{at}/t")
    run("rsync", "-r", f"{at}/t", "back")
    assert (tmp_path / "back" / "sub" / "y").read_text() == "2"
    assert run("cat", f"{at}/t/x") == "1"
    run("mv", f"{at}/t/x", f"{at}/t/z")
    run("rm", f"{at}/d/big")
    listed = run("ls", f"{at}/**").split()
    assert listed == [f"{at}/t/sub/y", f"{at}/t/z"]
