"""The emulators, once for each module's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.processes import Emulator

CREDENTIALS = {
    "type": "authorized_user",
    "client_id": "x",
    "client_secret": "x",
    "refresh_token": "x",
    "token": "local",
    "expiry": "2099-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def pubsub(folder: Path) -> Iterator[Emulator]:
    emulator = Emulator("pubsub", folder / "pubsub")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        yield emulator
    emulator.stop()


@pytest.fixture(scope="module")
def bigquery_emulator(folder: Path) -> Iterator[Emulator]:
    emulator = Emulator("bigquery", folder / "bigquery")
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
        for name, value in emulator.env.items():
            patch.setenv(name, value)
        yield emulator
    emulator.stop()
