"""The front and the binary live and die together, and what was answered is there afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

DEADLINE = 20.0


@contextmanager
def _running(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "localgcp", "storage", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        try:
            yield process, ready["env"]["STORAGE_EMULATOR_HOST"]
        finally:
            process.kill()


def _binaries(data_dir: Path) -> list[int]:
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            program, command = (each / "exe").readlink(), (each / "cmdline").read_text()
        except OSError:
            continue
        if program.name.startswith("fake-gcs-server") and str(data_dir) in command:
            found.append(int(each.name))
    return found


def _until(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not what():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.05)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_binary_never_outlives_the_front(signum: signal.Signals, tmp_path: Path) -> None:
    with _running(tmp_path) as (process, _):
        assert _binaries(tmp_path)
        os.kill(process.pid, signum)
        process.wait(DEADLINE)
    assert _until(lambda: not _binaries(tmp_path))


MANY_FILES = (
    "import os, sys; kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(40)]; "
    "from localgcp.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_nor_that_of_a_process_with_many_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MANY_FILES, "storage", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert _binaries(tmp_path)
        process.kill()
    assert _until(lambda: not _binaries(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_binarys_death_ends_the_emulator(tmp_path: Path) -> None:
    with _running(tmp_path) as (process, _):
        for pid in _binaries(tmp_path):
            os.kill(pid, signal.SIGKILL)
        assert process.wait(DEADLINE) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="127/8 is this machine on Linux alone")
def test_the_binarys_address_cannot_be_guessed(tmp_path: Path) -> None:
    with _running(tmp_path):
        (pid,) = _binaries(tmp_path)
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        host = command[command.index(b"-host") + 1].decode()
        assert host.startswith("127.")
        assert host != "127.0.0.1"


def test_what_was_answered_is_there_after_a_kill(tmp_path: Path) -> None:
    answered: list[str] = []
    with _running(tmp_path) as (process, url), httpx.Client(base_url=url) as http:
        http.post("/storage/v1/b", json={"name": "bucket", "labels": {"a": "b"}})
        killer = threading.Timer(1.0, process.kill)
        killer.start()
        try:
            for number in range(100_000):
                name = f"object-{number}"
                path = f"/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
                if http.post(path, content=name * 100).status_code == 200:
                    answered.append(name)
        except httpx.TransportError:
            pass
        killer.join()
    assert answered
    with _running(tmp_path) as (_, url), httpx.Client(base_url=url) as http:
        assert http.get("/storage/v1/b/bucket").json()["labels"] == {"a": "b"}
        for name in answered:
            content = http.get(f"/download/storage/v1/b/bucket/o/{name}?alt=media")
            assert content.text == name * 100
        listed: set[str] = set()
        token = ""
        while True:
            page = http.get(f"/storage/v1/b/bucket/o?pageToken={token}").json()
            listed |= {each["name"] for each in page["items"]}
            if not (token := page.get("nextPageToken", "")):
                break
        assert set(answered) <= listed
        assert len(listed) <= len(answered) + 1


def test_a_resumable_upload_goes_on_after_a_kill(tmp_path: Path) -> None:
    half = b"x" * 262_144
    with _running(tmp_path) as (_, url), httpx.Client(base_url=url) as http:
        http.post("/storage/v1/b", json={"name": "bucket"})
        begun = http.post(
            "/upload/storage/v1/b/bucket/o?uploadType=resumable",
            json={"name": "a", "metadata": {"k": "v"}},
        )
        path = begun.headers["location"].removeprefix(url)
        first = {"content-range": f"bytes 0-{len(half) - 1}/{2 * len(half)}"}
        assert http.put(path, content=half, headers=first).status_code == 308
    with _running(tmp_path) as (_, url), httpx.Client(base_url=url) as http:
        asked = http.put(path, headers={"content-range": f"bytes */{2 * len(half)}"})
        assert (asked.status_code, asked.headers["range"]) == (308, f"bytes=0-{len(half) - 1}")
        second = {"content-range": f"bytes {len(half)}-{2 * len(half) - 1}/{2 * len(half)}"}
        done = http.put(path, content=half, headers=second)
        assert (done.status_code, done.json()["metadata"]) == (200, {"k": "v"})
        again = http.put(path, headers={"content-range": f"bytes */{2 * len(half)}"})
        assert (again.status_code, again.json()["size"]) == (200, str(2 * len(half)))
        assert http.get("/download/storage/v1/b/bucket/o/a").content == 2 * half
        assert not list(tmp_path.glob("UPLOAD-*"))
