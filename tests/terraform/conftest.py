"""Terraform on copies of terraform/, with providers that need no cloud."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.plans import PROJECT, ROOT, Plan
from tests.terraform.provider import install, memory
from tests.terraform.provider.memory import Cloud

LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
ENVIRONMENTS = ("dev", "staging", "prod")
JOB = "google_dataflow_flex_template_job.pipeline[0]"
# What somebody who deploys gives besides the environment's file.
GIVEN = {
    "project_id": PROJECT,
    "alert_email": "somebody@example.com",
    "release": "v1",
    "github_repository": "owner/name",
    "generator_invokers": '["group:testers@example.com"]',
}


@dataclass(frozen=True)
class Workspace:
    """A copy of terraform/, initialised, with a state of its own."""

    folder: Path
    environ: Mapping[str, str]

    def cloud(self) -> Cloud:
        """What its cloud remembers."""
        return memory.cloud_of(Path(self.environ["CLOUD_MEMORY"]), str(self.folder), PROJECT)

    def run(self, *args: str, code: int = 0) -> str:
        """Run a command of Terraform, which must end with this code; gives what it says."""
        done = subprocess.run(
            ["terraform", *args, "-no-color"],
            cwd=self.folder,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self, environment: str, *args: str, **variables: str) -> dict[str, Any]:
        """The plan, as `terraform show -json` has it."""
        self.run("plan", "-out=plan", *args, *options(environment, **variables))
        document: dict[str, Any] = json.loads(self.run("show", "-json", "plan"))
        return document

    def apply(self, environment: str, **variables: str) -> str:
        """Apply; gives what Terraform says."""
        return self.run("apply", "-auto-approve", *options(environment, **variables))


def options(environment: str, **variables: str) -> list[str]:
    """The command line's part that says what is deployed."""
    given = {**GIVEN, **variables}
    return [
        f"-var-file=environments/{environment}.tfvars",
        *(f"-var={name}={value}" for name, value in given.items() if value),
    ]


@pytest.fixture(scope="session", params=install.VERSIONS)
def each_version(request: pytest.FixtureRequest) -> str:
    """The versions at both ends of the constraint."""
    return str(request.param)


@pytest.fixture(scope="session")
def providers() -> Iterator[Callable[[str], dict[str, str]]]:
    """Gives the variables that lead to a version's providers, which run until the tests end."""
    with ExitStack() as stack:
        yield cache(
            lambda version: stack.enter_context(install.serving(install.install(version, types())))
        )


@pytest.fixture
def workspace(
    tmp_path: Path, providers: Callable[[str], dict[str, str]]
) -> Callable[[str], Workspace]:
    """Makes a workspace with a version of the provider."""
    return lambda version: _workspace(tmp_path / version, version, providers(version))


def _workspace(folder: Path, version: str, environ: dict[str, str]) -> Workspace:
    if shutil.which("terraform") is None:
        pytest.fail("terraform is not on the PATH; these tests need its CLI, 1.9 or newer")
    leave = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT / "terraform", folder, ignore=leave)
    (folder / "backend_override.tf").write_text(LOCAL_STATE)
    # A cloud of its own for each workspace: the providers tell them apart by this.
    blocks = (
        f'provider "{name}" {{\n  request_reason = "{folder}"\n}}\n'
        for name in ("google", "google-beta")
    )
    (folder / "provider_override.tf").write_text("".join(blocks))
    Workspace(folder, install.environ(install.install(version, types()))).run("init")
    return Workspace(folder, environ)


def types() -> set[str]:
    """Those of all resources and data sources in terraform/."""
    text = "\n".join(path.read_text() for path in (ROOT / "terraform").glob("*.tf"))
    return set(re.findall(r'^(?:resource|data) "(google_\w+)"', text, re.M))


@pytest.fixture(scope="session")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, providers: Callable[[str], dict[str, str]]
) -> Callable[[str], Workspace]:
    """Gives an environment with its tables, once applied, so that its plans know all values."""

    @cache
    def deploy(environment: str) -> Workspace:
        folder = tmp_path_factory.mktemp(environment) / "terraform"
        made = _workspace(folder, install.VERSIONS[-1], providers(install.VERSIONS[-1]))
        made.apply(environment, manage_tables="true")
        # What the job is launched with can't be read from it: only the plan of a new one says it.
        plan = made.plan(environment, f"-replace={JOB}", manage_tables="true")
        (made.folder / "plan.json").write_text(json.dumps(plan))
        return made

    return deploy


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """Each environment."""
    return str(request.param)


@pytest.fixture(scope="session")
def plan_of(deployed: Callable[[str], Workspace]) -> Callable[[str], Plan]:
    """Gives a deployed environment's plan."""
    return cache(lambda environment: Plan.read(environment, deployed(environment).folder))


@pytest.fixture
def plan(environment: str, plan_of: Callable[[str], Plan]) -> Plan:
    """Each environment's plan."""
    return plan_of(environment)
