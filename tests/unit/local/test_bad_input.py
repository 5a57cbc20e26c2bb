"""What a user can get wrong: one line that names it, exit code 2, and nothing started."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import laptop
from local.__main__ import main

PORTS = {laptop.port_setting(name): "0" for name in laptop.PORTS}
UP = ["up"], ["up", "--detach"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, free ports, and nothing else in the environment."""
    for name in ("PIPELINE_URL", "PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "PUBLISH_LOG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**PORTS, "LOCAL_DATA_DIR": str(tmp_path / "data")}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line of a command that fails."""
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.startswith(f"{words[0]}: ")
    return err


@pytest.mark.parametrize("words", UP)
@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"PUBSUB_PORT": "99999"}, "PUBSUB_PORT should be a port, 0 to 65535; got '99999'"),
        ({"STORAGE_PORT": "-1"}, "STORAGE_PORT should be 0 or more; got '-1'"),
        ({"BIGQUERY_PORT": "http"}, "BIGQUERY_PORT should be a number; got 'http'"),
        (
            {"GENERATOR_PORT": "8080", "PIPELINE_PORT": "8080"},
            "PIPELINE_PORT is 8080, and so is GENERATOR_PORT",
        ),
        ({"WINDOW_SECONDS": "often"}, "WINDOW_SECONDS should be a number; got 'often'"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL should be one of INFO, DEBUG"),
        ({"SCHEMA_CONTRACT": "melt"}, "SCHEMA_CONTRACT should be one of evolve, freeze, discard"),
    ],
)
def test_a_bad_setting(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    here: Path,
    words: list[str],
    settings_: dict[str, str],
    said: str,
) -> None:
    for name, value in settings_.items():
        monkeypatch.setenv(name, value)
    assert said in told(capsys, *words)
    assert not (here / "data" / "stack.json").exists()


@pytest.mark.parametrize("words", UP)
def test_a_data_folder_that_is_a_file(
    capsys: pytest.CaptureFixture[str], here: Path, words: list[str]
) -> None:
    (here / "file").write_text("mine")
    for folder in (here / "file", here / "file" / "below"):
        said = told(capsys, *words, "--data-dir", str(folder))
        assert f"the data folder {folder} can't be used: it, or one above it, is a file" in said
    assert (here / "file").read_text() == "mine"


@pytest.mark.parametrize("words", UP)
def test_a_data_folder_that_can_t_be_written(
    capsys: pytest.CaptureFixture[str], here: Path, words: list[str]
) -> None:
    # Not even root makes a folder there.
    said = told(capsys, *words, "--data-dir", "/proc/self/net/here")
    assert "the data folder /proc/self/net/here can't be used: " in said
    assert "LOCAL_DATA_DIR" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "credentials.json.new").symlink_to("/dev/full")
    assert "can't be used: No space left on device" in told(capsys, "up")
    assert not (here / "data" / "stack.json").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--once"],
        ["env"],
        ["send", "-"],
        ["query", "SELECT 1"],
        ["check"],
        ["ledger"],
        ["down"],
    ],
)
def test_a_broken_stack_file(
    capsys: pytest.CaptureFixture[str], here: Path, words: list[str]
) -> None:
    (here / "data").mkdir()
    (here / "data" / "stack.json").write_text("{")
    said = told(capsys, *words)
    if words != ["down"]:
        assert f"{here / 'data' / 'stack.json'} is broken; remove it" in said


@pytest.mark.parametrize("words", [["status", "--wait", "nan"], ["check", "--within", "-1"]])
def test_a_time_that_is_none(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert f"argument {words[1]}: invalid seconds value: '{words[2]}'" in capsys.readouterr().err


def test_provision_without_a_stack_to_attach(capsys: pytest.CaptureFixture[str]) -> None:
    assert "PIPELINE_URL is not set" in told(capsys, "provision")


def test_a_part_of_an_attached_stack_that_is_not_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_URL", "http://127.0.0.1:1")
    for name in ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert "PUBSUB_EMULATOR_HOST is not set, and PIPELINE_URL is" in told(capsys, "status")
