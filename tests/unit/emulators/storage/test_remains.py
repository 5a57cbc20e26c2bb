from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from localgcp.storage.disk.remains import PREFIX
from localgcp.storage.emulator import StorageEmulator


@pytest.mark.skipif(sys.platform != "linux", reason="reads extended attributes")
def test_what_a_kill_left_does_not_hide_a_bucket(tmp_path: Path) -> None:
    data = tmp_path / "data"
    emulator = StorageEmulator(data_dir=data)
    emulator.start()
    url = emulator.env()["STORAGE_EMULATOR_HOST"]
    httpx.post(f"{url}/storage/v1/b", json={"name": "bucket"}).raise_for_status()
    upload = f"{url}/upload/storage/v1/b/bucket/o?uploadType=media&name=a/b"
    httpx.post(upload, content=b"x").raise_for_status()
    emulator.stop()
    (data / "bucket" / "a" / ".b1234567").write_text("half")
    (data / "bucket" / "c").write_text("renamed, and no more")
    (data / "mine").mkdir()
    (data / "mine" / "file").write_text("no bucket's")

    emulator = StorageEmulator(data_dir=data)
    emulator.start()
    url = emulator.env()["STORAGE_EMULATOR_HOST"]
    try:
        listed = httpx.get(f"{url}/storage/v1/b/bucket/o").raise_for_status().json()
    finally:
        emulator.stop()
    assert [each["name"] for each in listed["items"]] == ["a/b"]
    assert sorted(each.read_text() for each in data.glob(f"{PREFIX}*")) == [
        "half",
        "renamed, and no more",
    ]
    assert (data / "mine" / "file").exists()
