"""The emulators, once for each module's tests, where EMULATORS says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localgcp import environment
from localgcp.clients import CREDENTIALS
from tests.emulators.elsewhere import elsewhere
from tests.integration.processes import Emulator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@contextmanager
def serving(service: str, folder: Path) -> Iterator[Emulator | None]:
    """Leads the official clients to it; yields the process where it is one of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        if environment.kind() != "embedded":
            with elsewhere(service) as (_, environ):
                _set(patch, environ)
                yield None
            return
        emulator = Emulator(service, folder / service)
        _set(patch, emulator.env)
        yield emulator
        emulator.stop()


def _set(patch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name, value in environ.items():
        patch.setenv(name, value)


@pytest.fixture(scope="module")
def pubsub(folder: Path) -> Iterator[Emulator | None]:
    with serving("pubsub", folder) as emulator:
        yield emulator


@pytest.fixture
def killable_pubsub(pubsub: Emulator | None) -> Emulator:
    if pubsub is None:
        pytest.skip(f"EMULATORS={environment.kind()}: this one kills an emulator's process")
    return pubsub


@pytest.fixture(scope="module")
def bigquery_emulator(folder: Path) -> Iterator[None]:
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    with pytest.MonkeyPatch.context() as patch, serving("bigquery", folder):
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
        yield


@pytest.fixture(scope="module")
def storage_emulator(folder: Path) -> Iterator[None]:
    with serving("storage", folder):
        yield
