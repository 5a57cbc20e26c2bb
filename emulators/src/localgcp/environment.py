"""The environment: the variables that lead clients to an emulator, and those that are read here.

No other module of this package reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PORTS = {"pubsub": 8085, "storage": 4443, "bigquery": 9050}
"""Where each emulator listens by default; PUBSUB_PORT and so on say otherwise."""
CONSOLE_PORT = 8084
"""Where the console does, which not every stack has; the variable of that name says otherwise."""
KINDS = ("embedded", "testcontainers", "compose", "upstream")


class InvalidVariable(ValueError):
    """An environment variable has a value that can't be used."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"environment variable {name} {why}")


def kind(environ: Mapping[str, str] | None = None) -> str:
    """Where a test session's emulators run, by EMULATORS. Raises InvalidVariable."""
    env = os.environ if environ is None else environ
    text = env.get("EMULATORS") or KINDS[0]
    if text not in KINDS:
        raise InvalidVariable("EMULATORS", f"should be one of {', '.join(KINDS)}; got {text!r}")
    return text


def port(service: str, environ: Mapping[str, str] | None = None) -> int:
    """Where a stack that runs already has `service`, by PUBSUB_PORT and so on.

    Raises InvalidVariable.
    """
    env = os.environ if environ is None else environ
    name = f"{service.upper()}_PORT"
    text = env.get(name) or str({**PORTS, "console": CONSOLE_PORT}[service])
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise InvalidVariable(name, f"should be a port from 1 to 65535; got {text!r}")
    return int(text)


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where what is made once on a machine stays: LOCALGCP_CACHE, or the user's cache folder."""
    env = os.environ if environ is None else environ
    if env.get("LOCALGCP_CACHE"):
        return Path(env["LOCALGCP_CACHE"])
    home = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME") or "/tmp") / ".cache")
    return Path(home) / "localgcp"


def leads_somewhere(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment leads to an emulator already."""
    env = os.environ if environ is None else environ
    return any(env.get(f"{service.upper()}_EMULATOR_HOST") for service in PORTS)


def pubsub_emulator(environ: Mapping[str, str] | None = None) -> str | None:
    """The host and port of Pub/Sub's emulator by PUBSUB_EMULATOR_HOST; None where it is unset."""
    env = os.environ if environ is None else environ
    return env.get("PUBSUB_EMULATOR_HOST") or None


def storage_endpoint(environ: Mapping[str, str] | None = None) -> str | None:
    """The base URL of Cloud Storage by STORAGE_EMULATOR_HOST; None where it is unset."""
    return _url("STORAGE_EMULATOR_HOST", environ)


def bigquery_endpoint(environ: Mapping[str, str] | None = None) -> str | None:
    """The base URL of BigQuery by BIGQUERY_EMULATOR_HOST; None where it is unset."""
    return _url("BIGQUERY_EMULATOR_HOST", environ)


def copy() -> dict[str, str]:
    """This process's environment as it is now, for a program that it starts.

    Without one, the program gets the system's own list, which another thread that sets a variable
    moves meanwhile: then it is started from nowhere (EFAULT).
    """
    while True:
        try:
            return dict(os.environ)
        except (KeyError, RuntimeError):  # one came or went just now
            continue


def adopt(environ: Mapping[str, str]) -> None:
    """Make `environ` part of this process's environment, where clients look."""
    os.environ.update(environ)


def allowed(what: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Whom a server deals with besides this machine: ALLOW_HOST, ALLOW_ORIGIN or ALLOW_PUSH.

    Names with commas between; `what` is host, origin or push.
    """
    env = os.environ if environ is None else environ
    return [each for each in env.get(f"ALLOW_{what.upper()}", "").split(",") if each.strip()]


def _url(name: str, environ: Mapping[str, str] | None) -> str | None:
    text = (os.environ if environ is None else environ).get(name)
    return f"http://{text}" if text and "://" not in text else text or None


def pubsub(address: str) -> dict[str, str]:
    """For the client libraries and for gcloud pubsub; `address` is HOST:PORT."""
    return {
        "PUBSUB_EMULATOR_HOST": address,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"http://{address}/",
    }


def storage(address: str) -> dict[str, str]:
    """For the client libraries and for gcloud storage."""
    return {
        "STORAGE_EMULATOR_HOST": f"http://{address}",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"http://{address}/storage/v1/",
    }


def console(address: str) -> dict[str, str]:
    """For gcloud dataflow, functions, run and logging."""
    apis = ("DATAFLOW", "CLOUDFUNCTIONS", "RUN", "LOGGING")
    return {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": f"http://{address}/" for api in apis}


def boto() -> str:
    """The text of a file for BOTO_CONFIG, by which gsutil comes to where `storage` leads.

    gsutil's own client speaks HTTPS alone to a host that is not Google's (gcs_json_api.py), and
    asks a metadata server for credentials, for minutes where there is none. Told so, it hands its
    commands to gcloud storage, which reads the same variables as ever.
    """
    return "[GSUtil]\nuse_gcloud_storage = True\nsoftware_update_check_period = 0\n"


def bigquery(address: str) -> dict[str, str]:
    """For the client libraries; bq takes its address from a file that BIGQUERYRC names."""
    return {"BIGQUERY_EMULATOR_HOST": f"http://{address}"}
