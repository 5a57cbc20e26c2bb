from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

PIECE = b"x" * (1024 * 1024)
MEBIBYTES = 96
ALLOWED_GROWTH = 16


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_object_passes_at_flat_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localgcp", "storage", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["env"]["STORAGE_EMULATOR_HOST"]
        try:
            with httpx.Client(base_url=url, timeout=60) as http:
                http.post("/storage/v1/b", json={"name": "bucket"}).raise_for_status()
                small = "/upload/storage/v1/b/bucket/o?uploadType=media&name=small"
                http.post(small, content=PIECE).raise_for_status()
                before = _peak(process.pid)
                large = "/upload/storage/v1/b/bucket/o?uploadType=media&name=large"
                http.post(large, content=_content()).raise_for_status()
                size = 0
                with http.stream("GET", "/download/storage/v1/b/bucket/o/large") as answer:
                    for piece in answer.iter_bytes():
                        size += len(piece)
            assert size == MEBIBYTES * len(PIECE)
            assert _peak(process.pid) - before < ALLOWED_GROWTH
        finally:
            process.kill()


def _content() -> Iterator[bytes]:
    for _ in range(MEBIBYTES):
        yield PIECE


def _peak(pid: int) -> int:
    """The most memory that the process has had so far, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
