"""Fetches the providers' bindings and makes providers of them, in a folder that Terraform trusts.

`python -m tests.terraform.provider.install` fetches alone. The folder lies in the environment of
that Python; what is there is not made again.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.terraform.provider import schema

ROOT = Path(__file__).parents[3]
HOME = Path(sys.prefix) / "google-providers"
VERSIONS = ("7.46.1", "8.7.0")
"""Of the Google provider; requirements/provider-VERSION.txt locks the bindings of each."""


class OtherVersion(Exception):
    """The locked bindings are not those of the provider that was asked for."""

    def __init__(self, source: str, found: str, wanted: str) -> None:
        super().__init__(f"bindings of {source} are of version {found}, not {wanted}")


def fetch(version: str) -> Path:
    """Have the schemas of both providers of a version; gives their folder. Raises OtherVersion."""
    schemas = HOME / version / "schemas"
    if schemas.exists():
        return schemas
    (HOME / version).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        packages, made = Path(scratch, "packages"), Path(scratch, "schemas")
        made.mkdir()
        _download(ROOT / f"requirements/provider-{version}.txt", packages)
        for bundle in sorted(packages.glob("cdktn_provider_*/_jsii/*.jsii.tgz")):
            source, found, document = schema.read(bundle)
            if found != version:
                raise OtherVersion(source, found, version)
            stored = made / f"{source.rpartition('/')[2]}.json"
            stored.write_text(json.dumps({"source": source, **document}))
        _into_place(made, schemas)
    return schemas


def install(version: str, types: Collection[str]) -> Path:
    """Have both providers of a version, with the resources and data sources of these types.

    Gives the folder of Terraform's filesystem_mirror. Terraform reads the whole schema whenever it
    starts, and that takes seconds for all of Google's 2,000 types.
    """
    schemas = fetch(version)
    digest = sha256(" ".join(sorted(types)).encode()).hexdigest()[:12]
    mirror = HOME / version / f"mirror-{digest}"
    if not mirror.exists():
        with tempfile.TemporaryDirectory(dir=HOME) as scratch:
            made = Path(scratch, mirror.name)
            for each in sorted(schemas.glob("*.json")):
                _write(made, mirror, version, _only(types, json.loads(each.read_text())))
            _into_place(made, mirror)
    return mirror


def _into_place(made: Path, place: Path) -> None:
    """Move a folder to its place, unless another process has made the same there meanwhile."""
    try:
        made.rename(place)
    except OSError:
        if not place.exists():
            raise


def environ(mirror: Path) -> dict[str, str]:
    """The variables that lead Terraform to this mirror, and nowhere else."""
    config = mirror.with_suffix(".tfrc")
    config.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    )
    return {
        **{name: each for name, each in os.environ.items() if not name.startswith("TF_")},
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_DISABLE_PLUGIN_TLS": "1",  # a socket in a folder of its own needs no certificate
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }


@contextmanager
def serving(mirror: Path) -> Iterator[dict[str, str]]:
    """Keep a mirror's providers running; gives the variables that lead Terraform to them.

    Terraform would start each of them several times for one command, and a start takes longer than
    all they do. It takes what runs as it is: for `init`, which compares versions, use environ().
    """
    with ExitStack() as stack:
        memory = stack.enter_context(tempfile.TemporaryDirectory())
        running = {}
        for program in sorted(mirror.rglob("terraform-provider-*")):
            process = stack.enter_context(
                subprocess.Popen(
                    [program],
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "CLOUD_MEMORY": memory},
                )
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            _, protocol, network, address, *_ = process.stdout.readline().split("|")
            source = program.relative_to(mirror).parents[2]
            running[str(source)] = {
                "Protocol": "grpc",
                "ProtocolVersion": int(protocol),
                "Pid": process.pid,
                "Test": True,
                "Addr": {"Network": network, "String": address},
            }
        yield {
            **environ(mirror),
            "CLOUD_MEMORY": memory,
            "TF_REATTACH_PROVIDERS": json.dumps(running),
        }


def _download(requirements: Path, target: Path) -> None:
    install = ("pip", "install", "-q", "--no-deps", "--require-hashes", "--link-mode", "copy")
    subprocess.run(
        [sys.executable, "-m", "uv", *install, "--target", target, "-r", requirements], check=True
    )


def _only(types: Collection[str], document: schema.Schema) -> schema.Schema:
    for kind in schema.KINDS.values():
        document[kind] = {name: each for name, each in document[kind].items() if name in types}
    return document


def _write(folder: Path, mirror: Path, version: str, document: schema.Schema) -> None:
    """Put the program where Terraform looks for it, and the schema beside it."""
    inside = Path(document["source"], version, _platform())
    (folder / inside).mkdir(parents=True)
    (folder / inside / "schema.json").write_text(json.dumps(document))
    stored = shlex.quote(str(mirror / inside / "schema.json"))
    program = folder / inside / f"terraform-provider-{Path(document['source']).name}_v{version}"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)}"
        f" -m tests.terraform.provider.server {stored}\n"
    )
    program.chmod(0o755)


@cache
def _platform() -> str:
    """As Terraform calls it, such as linux_amd64."""
    command = ["terraform", "version", "-json"]
    answer = subprocess.run(command, capture_output=True, check=True)
    return str(json.loads(answer.stdout)["platform"])


if __name__ == "__main__":
    for each in VERSIONS:
        fetch(each)
