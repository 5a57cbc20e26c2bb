"""Others' images are held to their digests, as a registry tells them."""

from __future__ import annotations

import hashlib
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localgcp.testing.backends import UPSTREAM
from tests.docker.compose import ROOT

MANIFEST = "application/vnd.oci.image.index.v1+json"


class Registry(http.server.ThreadingHTTPServer):
    """An OCI registry (distribution spec, "Pulling manifests") of one manifest."""

    body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "manifests": []}).encode()

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("Docker-Content-Digest", self.server.digest)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.server.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def tree(tmp_path: Path, registry: Registry) -> Path:
    """A checkout whose files name one image of the registry."""
    image = f"127.0.0.1:{registry.server_address[1]}/it:1"
    for name, text in {
        "docker/Dockerfile": f"FROM {image} AS base\nFROM base AS other\n",
        "compose.upstream.yaml": f"services:\n  it:\n    image: {image}\n",
        "emulators/src/localgcp/testing/backends.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(ROOT / "docker" / "digests.py", tmp_path / "docker")
    return tmp_path


def run(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "docker/digests.py", *args]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_a_tag_is_held_to_the_digest_that_was_written_down(tree: Path, registry: Registry) -> None:
    first = run(tree)
    assert (first.returncode, first.stdout.count("not written down")) == (1, 1), first.stderr
    assert run(tree, "--write").returncode == 0
    assert registry.digest in (tree / "docker" / "digests.txt").read_text()
    assert run(tree).returncode == 0
    before, registry.body = registry.digest, registry.body + b" "
    moved = run(tree)
    assert moved.returncode == 1
    assert f"{registry.digest}, was {before}" in moved.stdout


def test_a_registry_that_does_not_answer_is_named(tree: Path) -> None:
    (tree / "compose.upstream.yaml").write_text("    image: 127.0.0.1:1/it:1\n")
    (tree / "docker" / "Dockerfile").write_text("")
    done = run(tree)
    assert done.returncode == 2
    assert "127.0.0.1:1/it:1" in done.stderr


def test_every_image_of_others_is_looked_at() -> None:
    script = "import sys; sys.path.insert(0, 'docker'); import digests; print(*digests.images())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named = done.stdout.split()
    assert {each.name for each in UPSTREAM.values()} <= {*named}
    assert "python:3.11-slim-bookworm" in named
