"""bootstrap.sh and restore.sh: what they would do, and that they do it once."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.scripts.conftest import ROOT, SCRIPTS, commands, run
from tests.scripts.gcloud import assert_known

PROJECT = "shop-project"
# A stand-in for gcloud: it keeps what it is told, and answers by what a test has put beside it.
GCLOUD = """#!/usr/bin/env bash
printf '%q ' "$@" >> "$ASKED"; echo >> "$ASKED"
answer() { [ -e "$THERE/$1" ] || { echo "404: not found" >&2; exit 1; }; cat "$THERE/$1"; }
case "$*" in
    "storage buckets describe"*) answer bucket ;;
    "storage buckets create"*) touch "$THERE/bucket" ;;
    *"pools describe"* | *"providers describe"*) answer pool ;;
    *"pools undelete"*) echo ACTIVE > "$THERE/pool" ;;
    *"keys describe"*) answer key ;;
    *"versions list"*DESTROY_SCHEDULED*) answer key ;;
    *"versions list"*ENABLED*) echo 1 ;;
    "services enable"*) [ ! -e "$THERE/no-billing" ] || { echo FAILED_PRECONDITION >&2; exit 1; } ;;
esac
"""


def listed(name: str) -> set[str]:
    """A list of bootstrap.sh."""
    found = re.search(rf"^{name}=\((.*?)\)", (SCRIPTS / "bootstrap.sh").read_text(), re.M | re.S)
    assert found, f"no {name} in bootstrap.sh"
    return set(found[1].split())


class Gcloud:
    """The stand-in, on a PATH before the real one."""

    def __init__(self, folder: Path) -> None:
        self.there = folder / "there"
        self.there.mkdir()
        self._asked = folder / "asked"
        (folder / "bin").mkdir()
        program = folder / "bin/gcloud"
        program.write_text(GCLOUD)
        program.chmod(0o755)
        self.environ = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "ASKED": str(self._asked),
            "THERE": str(self.there),
        }

    def run(self, *args: str) -> CompletedProcess[str]:
        """A script to its end, with this gcloud."""
        script, *rest = args
        return run(script, *rest, timeout=60, **self.environ)

    def asked(self) -> list[str]:
        """What it was told since the last look, less the questions."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        self._asked.unlink(missing_ok=True)
        told = [line.strip() for line in lines]
        return [line for line in told if " describe " not in line and " list " not in line]


@pytest.fixture
def gcloud(tmp_path: Path) -> Gcloud:
    return Gcloud(tmp_path)


def test_bootstrap_switches_on_what_terraform_needs() -> None:
    switched = listed("SERVICES")
    text = (ROOT / "terraform/apis.tf").read_text().split("project_id =")[0]
    assert switched == set(re.findall(r'"([a-z]+)"', text))
    # More than twenty at once are refused.
    enabling = [each for each in commands("bootstrap.sh", PROJECT) if each[1] == "services"]
    assert all(sum("googleapis.com" in word for word in each) <= 20 for each in enabling)


def test_bootstrap_gives_the_roles_that_terraform_gives_the_deployer() -> None:
    block = (ROOT / "terraform/workload_identity.tf").read_text().split("deployer_roles = {")[1]
    roles = set(re.findall(r'"(roles/[^"]+)"', block.split("]")[0]))
    beside = {"roles/iam.serviceAccountUser", "roles/resourcemanager.projectIamAdmin"}
    assert listed("ROLES") == roles | beside


def test_gcloud_knows_what_bootstrap_would_run() -> None:
    args = ("--deployer", "user:a@example.com", "--state-of", "dev")
    every = [each for each in commands("bootstrap.sh", PROJECT, *args) if each[0] == "gcloud"]
    assert len(every) > 20
    for command in every:
        assert_known(command)


def test_bootstrap_makes_the_bucket_once(gcloud: Gcloud) -> None:
    def made() -> list[str]:
        done = gcloud.run("bootstrap.sh", PROJECT, "europe-west1")
        assert done.returncode == 0, done.stderr
        return [line for line in gcloud.asked() if "buckets create" in line]

    (first,) = made()
    words = shlex.split(first)
    assert words[3] == f"gs://{PROJECT}-terraform"
    assert {"--uniform-bucket-level-access", "--public-access-prevention"} <= set(words)
    assert made() == []


def test_bootstrap_keeps_every_version_of_a_state(gcloud: Gcloud) -> None:
    (gcloud.there / "bucket").touch()
    assert gcloud.run("bootstrap.sh", PROJECT).returncode == 0
    (update,) = [line for line in gcloud.asked() if "buckets update" in line]
    for flag in ("versioning", "uniform-bucket-level-access", "public-access-prevention"):
        assert f"--{flag}" in update


def test_bootstrap_stops_at_the_first_failure(gcloud: Gcloud) -> None:
    (gcloud.there / "no-billing").touch()
    done = gcloud.run("bootstrap.sh", PROJECT)
    assert done.returncode != 0
    assert "FAILED_PRECONDITION" in done.stderr
    assert len(gcloud.asked()) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "PROJECT is needed; got 0 arguments"),
        (("p",), "PROJECT is 6 to 30 lower-case letters"),
        ((PROJECT, "us"), "REGION is a region's name"),
        ((PROJECT, "us-east1", "more"), "unexpected argument more"),
        ((PROJECT, "--deployer", "a@example.com"), "--deployer is user:, group: or"),
        ((PROJECT, "--state-of", "qa"), "--state-of is dev, staging or prod; got 'qa'"),
    ],
)
def test_bootstrap_names_a_bad_argument(args: tuple[str, ...], said: str) -> None:
    done = run("bootstrap.sh", *args)
    assert done.returncode == 2
    assert said in done.stderr


def test_bootstrap_s_help_has_its_options() -> None:
    done = run("bootstrap.sh", "--help")
    assert done.returncode == 0
    for option in ("--deployer", "--state-of", "--dry-run"):
        assert option in done.stdout


def test_restore_brings_back_what_is_deleted_and_says_what_to_give(gcloud: Gcloud) -> None:
    (gcloud.there / "pool").write_text("DELETED\n")
    (gcloud.there / "key").write_text("3\n4\n")
    done = gcloud.run("restore.sh", PROJECT, "prod")
    assert done.returncode == 0, done.stderr
    assert "-var='adopt={github = true, keys = true}'" in done.stdout
    told = gcloud.asked()
    assert sum("undelete" in line for line in told) == 1  # the stand-in's provider follows its pool
    assert sum("versions restore" in line for line in told) == 4
    assert sum("versions enable" in line for line in told) == 4


def test_restore_of_what_was_never_there_does_nothing(gcloud: Gcloud) -> None:
    done = gcloud.run("restore.sh", PROJECT, "prod")
    assert done.returncode == 0, done.stderr
    assert "nothing outlived a destroy of prod" in done.stdout
    assert gcloud.asked() == []
