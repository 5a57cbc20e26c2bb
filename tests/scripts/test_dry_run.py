"""What the scripts would run: by dry run, against settings.py, terraform/ and gcloud's own list."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import settings
from tests.scripts.conftest import ROOT, SCRIPTS, commands, options, run
from tests.scripts.gcloud import assert_known

PROJECT, ENVIRONMENT, RELEASE = "shop-project", "staging", "v1.2"
WHERE = (PROJECT, ENVIRONMENT, "europe-west1")
NAMES = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": ENVIRONMENT})
REGISTRY = f"europe-west1-docker.pkg.dev/{PROJECT}/{ENVIRONMENT}-realtime-pipeline"
ALL = sorted(path.name for path in SCRIPTS.glob("*.sh") if path.stat().st_mode & 0o100)
# bootstrap.sh is a project's, not an environment's; test_bootstrap.py has it.
OURS = [each for each in ALL if each not in ("bootstrap.sh", "lock.sh", "mutants.sh")]
LISTED = [
    ("build-images.sh", *WHERE, "--release", RELEASE),
    ("build-images.sh", *WHERE, "--release", RELEASE, "--builder", "docker"),
    ("deploy-cloud-function.sh", *WHERE, "--release", RELEASE),
    ("deploy-dataflow-template.sh", *WHERE, "--release", RELEASE, "--replace", "drain"),
    ("deploy-dataflow-template.sh", *WHERE, "--release", RELEASE, "--replace", "in_place"),
    ("test-table-creation.sh", *WHERE),
    ("check-health.sh", *WHERE),
    ("restore.sh", *WHERE),
    ("restore.sh", PROJECT, "prod", "europe-west1"),
]


def only(script: str, *args: str, starting: str) -> list[str]:
    """The one command of a dry run that starts so."""
    start = starting.split()
    (found,) = [each for each in commands(script, *args) if each[: len(start)] == start]
    return found


@pytest.fixture(scope="module")
def function() -> dict[str, str]:
    listed = ("deploy-cloud-function.sh", *WHERE, "--release", RELEASE)
    return options(only(*listed, starting="gcloud functions deploy"))


@pytest.fixture(scope="module")
def job() -> dict[str, str]:
    listed = ("deploy-dataflow-template.sh", *WHERE, "--release", RELEASE)
    return options(only(*listed, starting="gcloud dataflow flex-template run"))


def terraform(file: str, name: str) -> str:
    """The value of one argument that is written out in a .tf file."""
    text = (ROOT / "terraform" / file).read_text()
    found = re.search(rf'^\s+{name}\s+= "?([^"\n]+?)"?(\s+#.*)?$', text, re.MULTILINE)
    assert found, f"{name} is not in {file}"
    return found[1]


def test_there_are_the_scripts_that_these_tests_speak_of() -> None:
    assert {each[0] for each in LISTED} == set(OURS)


@pytest.mark.parametrize("script", OURS)
def test_help_is_the_script_s_first_comment(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0
    assert f"scripts/{script} PROJECT ENV [REGION]" in done.stdout
    for option in re.findall(r"^\s+(--[a-z-]+)\)", (SCRIPTS / script).read_text(), re.MULTILINE):
        assert option in done.stdout
    assert "set -euo" not in done.stdout


@pytest.mark.parametrize("script", OURS)
@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "PROJECT and ENV are needed; got 0 arguments"),
        (("p", "dev"), "PROJECT is 6 to 30 lower-case letters, digits and hyphens; got 'p'"),
        ((PROJECT, "qa"), "ENV is dev, staging or prod; got 'qa'"),
        ((PROJECT, "dev", "us"), "REGION is a region's name, such as us-central1; got 'us'"),
        ((PROJECT, "dev", "us-east1", "more"), "unexpected argument more"),
        ((PROJECT, "dev", "--forse"), "unknown option --forse"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(
    script: str, args: tuple[str, ...], said: str
) -> None:
    done = run(script, *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert f"{script}: " in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("script", "args", "said"),
    [
        ("deploy-cloud-function.sh", ("--release",), "--release needs a value"),
        (
            "deploy-cloud-function.sh",
            ("--release", "a b"),
            "--release is letters, digits, _, . and -",
        ),
        (
            "deploy-dataflow-template.sh",
            ("--replace", "kill"),
            "--replace is drain or in_place; got",
        ),
        ("build-images.sh", ("--builder", "podman"), "--builder is cloud or docker; got 'podman'"),
        ("test-table-creation.sh", ("--timeout", "soon"), "--timeout is seconds, 1 or more"),
        ("check-health.sh", ("--within", "0"), "--within is seconds, 1 or more; got '0'"),
        ("restore.sh", ("--copy-region", "EU"), "--copy-region is a region's name"),
    ],
)
def test_a_bad_option_is_named_with_its_value(
    script: str, args: tuple[str, ...], said: str
) -> None:
    done = run(script, *WHERE, *args)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_missing_command_is_named(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "basename", "env", "sed", "git", "python3"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    done = run("deploy-cloud-function.sh", *WHERE, "--release", RELEASE, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "gcloud is not installed" in done.stderr


@pytest.mark.parametrize("listed", LISTED, ids=lambda each: " ".join((each[0], *each[2:])))
def test_gcloud_knows_every_command_and_option(listed: tuple[str, ...]) -> None:
    gcloud = [each for each in commands(*listed) if each[0] == "gcloud"]
    assert gcloud
    for command in gcloud:
        assert_known(command)


def test_images_go_where_terraform_looks_for_them() -> None:
    build = options(commands(*LISTED[0])[0])
    wanted = {
        "_GENERATOR": f"{REGISTRY}/event-generator:{RELEASE}",
        "_PIPELINE": f"{REGISTRY}/pipeline:{RELEASE}",
    }
    assert dict(pair.split("=") for pair in build["--substitutions"].split(",")) == wanted
    pushed = [each[2] for each in commands(*LISTED[1]) if each[:2] == ["docker", "push"]]
    assert pushed == list(wanted.values())
    assert terraform("locals.tf", "generator_image").endswith("/event-generator:${var.release}")
    assert terraform("locals.tf", "pipeline_image").endswith("/pipeline:${var.release}")


def test_both_builders_build_the_same_stages() -> None:
    config = (ROOT / "cloudbuild.yaml").read_text()
    here = [options(each) for each in commands(*LISTED[1]) if each[:2] == ["docker", "build"]]
    stages = re.findall(r"^FROM \S+ AS (\S+)", (ROOT / "docker/Dockerfile").read_text(), re.M)
    assert [each["--target"] for each in here] == re.findall(r"--target, ([a-z-]+)", config)
    assert {each["--target"] for each in here} <= set(stages)


def last_user(stage: str) -> str:
    """Whom a stage of the Dockerfile ends as, through the stages that it is made from."""
    text = (ROOT / "docker/Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.M | re.S)
    bodies = {name: (base, body) for base, name, body in stages}
    while stage in bodies:
        stage, body = bodies[stage]
        if users := re.findall(r"^USER (\S+)", body, re.M):
            return str(users[-1])
    return "0"


def test_dataflow_s_image_is_root_s_and_no_other_is() -> None:
    """Google's launcher opens a file in /var/log as root (python-docs-samples #13213)."""
    assert last_user("flex-template") == "0"
    ours = ("emulators", "generator", "table-manager", "pipeline", "local")
    assert {last_user(each) for each in ours} == {"10001"}


def test_the_function_s_source_is_where_terraform_looks_for_it(function: dict[str, str]) -> None:
    source = f"gs://{NAMES.template_bucket}/functions/table-manager-{RELEASE}.zip"
    assert function["--source"] == source
    path = terraform("locals.tf", "table_manager_source")
    assert source.endswith(path.replace("${var.release}", RELEASE))


def test_the_template_is_where_terraform_looks_for_it(job: dict[str, str]) -> None:
    template = f"gs://{NAMES.template_bucket}/templates/pipeline-{RELEASE}.json"
    assert job["--template-file-gcs-location"] == template
    path = terraform("locals.tf", "pipeline_template")
    assert path.endswith("/templates/pipeline-${var.release}.json")
    build = only(*LISTED[3], starting="gcloud dataflow flex-template build")
    assert build[4] == template
    metadata = json.loads(Path(options(build)["--metadata-file"]).read_text())
    given = {pair.split("=")[0] for pair in job["--parameters"].split(",")}
    # The last one is Dataflow's own.
    assert given - {each["name"] for each in metadata["parameters"]} == {"sdk_container_image"}


def test_the_function_is_as_terraform_has_it(function: dict[str, str]) -> None:
    assert function["--memory"] == terraform("table_manager.tf", "available_memory")
    assert function["--cpu"] == terraform("table_manager.tf", "available_cpu")
    registry = terraform("locals.tf", "function_registry").replace(
        "${var.environment}", ENVIRONMENT
    )
    assert function["--docker-repository"].endswith(f"/repositories/{registry}")
    assert function["--timeout"] == terraform("table_manager.tf", "timeout_seconds") + "s"
    assert function["--max-instances"] == terraform("table_manager.tf", "max_instance_count")
    concurrency = terraform("table_manager.tf", "max_instance_request_concurrency")
    assert function["--concurrency"] == concurrency
    assert function["--runtime"] == terraform("table_manager.tf", "runtime")
    assert function["--entry-point"] == terraform("table_manager.tf", "entry_point")
    assert function["--trigger-topic"] == NAMES.table_requests_topic.rpartition("/")[2]
    assert "--retry" in function
    assert terraform("table_manager.tf", "retry_policy") == "RETRY_POLICY_RETRY"
    assert function["--service-account"].startswith(f"{ENVIRONMENT}-table-manager@{PROJECT}.")
    environ = dict(pair.split("=", 1) for pair in function["--set-env-vars"].split(","))
    here = settings.load(environ)
    assert (here.project_id, here.environment, here.region) == WHERE
    # Its own guard would refuse whatever comes by the name that Cloud Run has for it.
    assert here.allow_hosts == {terraform("table_manager.tf", "ALLOW_HOST")} == {"*"}


def test_the_job_is_as_terraform_has_it(job: dict[str, str]) -> None:
    variables = (ROOT / "terraform/variables.tf").read_text()

    def default(name: str) -> str:
        block = variables.split(f'variable "{name}" {{')[1].split("\n}")[0]
        found = re.search(r"^  default +=\s*\"?([^\"\n]+)", block, re.MULTILINE)
        assert found
        return found[1]

    assert job["--worker-machine-type"] == default("dataflow_machine_type")
    assert job["--num-workers"] == default("dataflow_num_workers")
    assert job["--max-workers"] == default("dataflow_max_workers")
    assert f"window_seconds={default('window_seconds')}," in job["--parameters"]
    assert f"sdk_container_image={REGISTRY}/pipeline:{RELEASE}" in job["--parameters"]
    assert "--disable-public-ips" in job
    assert terraform("dataflow.tf", "ip_configuration") == "WORKER_IP_PRIVATE"
    assert "--enable-streaming-engine" in job
    assert job["--service-account-email"].startswith(f"{ENVIRONMENT}-pipeline@{PROJECT}.")


def test_a_drain_comes_before_the_new_job_and_an_update_has_none() -> None:
    def verbs(*args: str) -> list[str]:
        every = commands("deploy-dataflow-template.sh", *WHERE, "--release", RELEASE, *args)
        return [each[3] for each in every if each[:2] == ["gcloud", "dataflow"]]

    assert verbs("--replace", "drain") == ["build", "drain", "run"]
    assert verbs("--replace", "in_place") == ["build", "run"]
    assert "--update" in only(*LISTED[4], starting="gcloud dataflow flex-template run")
    assert verbs("--upload-only") == ["build"]
    assert "--update" not in only(*LISTED[3], starting="gcloud dataflow flex-template run")


@pytest.mark.parametrize("script", ["test-table-creation.sh", "check-health.sh"])
def test_the_checks_publish_to_the_topic_of_record(script: str) -> None:
    first = next(each for each in commands(script, *WHERE) if each[1:3] == ["pubsub", "topics"])
    assert first[:5] == ["gcloud", "pubsub", "topics", "publish", NAMES.topic.rpartition("/")[2]]


def test_a_dry_run_reaches_nothing() -> None:
    # Every client would fail here, had it been called.
    for script, *args in LISTED:
        done = run(
            script, *args, "--dry-run", CLOUDSDK_CONFIG="/nowhere", CLOUDSDK_PYTHON="/nowhere"
        )
        assert done.returncode == 0, done.stderr
