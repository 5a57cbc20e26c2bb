"""What leads every client on this machine to the emulators: Python's libraries, gcloud, bq, gsutil.

Some read variables, some files that a variable names: `write_files` writes those that `environ` and
`tools` name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from localgcp import environment

TOKEN = "local"
# Stands for a signed-in user, so that no client looks for one, or for a network: the token is
# accepted by every emulator and never runs out. A service account's file would call out.
CREDENTIALS = {
    "type": "authorized_user",
    "client_id": "local",
    "client_secret": "local",
    "refresh_token": "local",
    "token": TOKEN,
    "expiry": "2099-01-01T00:00:00Z",
}


def write_files(folder: Path, bigquery: str, project: str, dataset: str = "") -> None:
    """Write what the variables name into `folder`; `bigquery` is HOST:PORT. Raises OSError.

    `dataset` is bq's default one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "credentials.json", json.dumps(CREDENTIALS, indent=2) + "\n")
    write(folder / "token", TOKEN)
    write(folder / "boto", environment.boto())
    default = f"dataset_id = {dataset}\n" if dataset else ""
    write(
        folder / "bigqueryrc",
        f"api = http://{bigquery}\nproject_id = {project}\n{default}"
        "[query]\n--use_legacy_sql=false\n[mk]\n--use_legacy_sql=false\n",
    )


def environ(folder: Path, addresses: Mapping[str, str], project: str) -> dict[str, str]:
    """For client libraries, to the services in `addresses`: name to HOST:PORT."""
    led: dict[str, str] = {}
    for service, address in addresses.items():
        led.update(getattr(environment, service)(address))
    return {
        **led,
        "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "credentials.json"),
        "GOOGLE_CLOUD_PROJECT": project,
    }


def tools(folder: Path, project: str) -> dict[str, str]:
    """What gcloud, bq and gsutil read besides."""
    return {
        "CLOUDSDK_CORE_PROJECT": project,
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(folder / "token"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "BIGQUERYRC": str(folder / "bigqueryrc"),
        "BOTO_CONFIG": str(folder / "boto"),
    }


def write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, at one stroke. Raises OSError."""
    # Renamed into place: who reads it meanwhile sees the old file or the new one.
    draft = path.with_suffix(path.suffix + ".new")
    draft.touch(0o600)
    draft.write_text(text)
    draft.replace(path)
