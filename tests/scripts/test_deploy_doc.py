"""docs/deploy.md: each command that it shows is one that there is, and says what it should."""

from __future__ import annotations

import re
import shlex
from string import Template

import pytest

from pipeline import main
from tests.scripts.conftest import ROOT, run
from tests.scripts.gcloud import assert_known

TEXT = (ROOT / "docs" / "deploy.md").read_text()
VALUES = {
    "PROJECT": "my-project",
    "ENVIRONMENT": "prod",
    "REGION": "us-central1",
    "RELEASE": "v1",
}


def shown() -> list[list[str]]:
    """Every line of the sh blocks, and what stands in backquotes and begins with gcloud."""
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(gcloud [^`]+)`", TEXT)
    return [shlex.split(Template(line).substitute(VALUES)) for line in lines]


def starting(word: str) -> list[list[str]]:
    found = [each for each in shown() if each[0].startswith(word)]
    assert found, f"docs/deploy.md shows no {word}"
    return found


def test_it_shows_only_what_these_tests_know() -> None:
    assert {each[0] for each in shown() if not each[0].startswith("scripts/")} == {
        *("export", "gcloud", "terraform", "python"),
    }


@pytest.mark.parametrize("command", starting("scripts/"), ids=" ".join)
def test_a_script_takes_these_arguments(command: list[str]) -> None:
    script, *args = command
    done = run(script.removeprefix("scripts/"), *args, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "my-project" in done.stdout


def test_gcloud_knows_its_commands() -> None:
    for command in starting("gcloud"):
        assert_known(command)


def test_terraform_has_the_variables_and_files() -> None:
    variables = (ROOT / "terraform" / "variables.tf").read_text()
    for command in starting("terraform"):
        for word in command:
            name, _, value = word.partition("=")
            if name == "-var":
                assert f'variable "{value.partition("=")[0]}" {{' in variables, word
            if name == "-var-file":
                assert (ROOT / "terraform" / value).exists(), word
            if name == "-chdir":
                assert (ROOT / value / "versions.tf").exists()


def test_every_apply_but_the_first_names_a_release() -> None:
    applies = [each for each in starting("terraform") if "apply" in each]
    assert [any(word.startswith("-var=release=") for word in each) for each in applies] == [
        False,
        *[True] * (len(applies) - 1),
    ]


def test_the_job_s_entry_point_knows_its_options() -> None:
    (command,) = starting("python")
    assert command[1:3] == ["-m", "pipeline.main"]
    options = main.JobOptions(command[3:])
    main.refuse_unknown(options)
    here, _ = main.configure(options)
    assert here.job == "prod-realtime-data-pipeline"


@pytest.mark.parametrize(
    "name", ["alert_email", "copy_region", "dataflow_max_workers", "import_tables"]
)
def test_a_variable_that_it_speaks_of_is_there(name: str) -> None:
    assert f"`{name}" in TEXT
    assert f'variable "{name}" {{' in (ROOT / "terraform" / "variables.tf").read_text()


def test_the_table_of_environments_is_what_terraform_has() -> None:
    rows = {
        cells[0]: cells[1:]
        for line in TEXT.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    }
    tfvars = {
        name: (ROOT / "terraform" / "environments" / f"{name}.tfvars").read_text()
        for name in ("dev", "staging", "prod")
    }
    variables = (ROOT / "terraform" / "variables.tf").read_text()

    def value(environment: str, name: str) -> str:
        block = variables.split(f'variable "{name}" {{')[1].split("\n}")[0]
        for text, pattern in (
            (tfvars[environment], rf'^{name} += "?([\w-]+)'),
            (block, r'^  default += "?([\w-]+)'),
        ):
            if found := re.search(pattern, text, re.MULTILINE):
                return found[1]
        raise LookupError(name)

    assert rows["workers"] == [
        f"{value(each, 'dataflow_num_workers')} to {value(each, 'dataflow_max_workers')} "
        f"{value(each, 'dataflow_machine_type')}"
        for each in tfvars
    ]
    kept = re.findall(r"kept_days += (\w+)", (ROOT / "terraform" / "locals.tf").read_text())
    assert rows["raw events are kept"] == [
        "for good" if days == "null" else f"{days} days" for days in kept
    ]
