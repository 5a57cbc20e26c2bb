"""The provider without a cloud finds what the real one would: here things are broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terraform.conftest import Workspace, options
from tests.terraform.provider import install, schema

# File, text, what becomes of it, and what Terraform says then.
SLIPS = (
    ("pubsub.tf", "ack_deadline_seconds       =", "ack_deadline_second =", "Unsupported argument"),
    ("pubsub.tf", "  retry_policy {", "  retry_policies {", "Unsupported block type"),
    ("pubsub.tf", 'ttl = ""', 'ttl = ["never"]', "Incorrect attribute value type"),
    ("storage.tf", "enabled = true", 'enabled = "sometimes"', "Incorrect attribute value type"),
    ("bigquery.tf", '  type  = "DAY"\n', "", "Missing required argument"),
    ("bigquery.tf", "  clustering   ", "  clusterings   ", "Unsupported argument"),
    (
        "network.tf",
        '"google_compute_firewall"',
        '"google_compute_firewal"',
        "Invalid resource type",
    ),
    ("kms.tf", ".member\n      storage", ".members\n      storage", "Unsupported attribute"),
    (
        "table_manager.tf",
        "ALLOW_INTERNAL_ONLY",
        "ALLOW_INSIDE",
        "expected ingress_settings to be one",
    ),
    ("table_manager.tf", "available_memory   ", "memory   ", "Unsupported argument"),
    ("dataflow.tf", "max_workers    ", "maximum_workers    ", "Unsupported argument"),
)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda each: each[2])
def test_a_slip_is_found_where_it_is(
    slip: tuple[str, str, str, str], workspace: Callable[[str], Workspace]
) -> None:
    name, text, becomes, says = slip
    made = workspace(install.VERSIONS[-1])
    path = made.folder / name
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, becomes, 1))
    found = json.loads(made.run("validate", "-json", code=1))["diagnostics"]
    assert says in "".join(each["summary"] for each in found)
    assert {each["range"]["filename"] for each in found} == {name}


def test_what_is_protected_is_not_destroyed(workspace: Callable[[str], Workspace]) -> None:
    made = workspace(install.VERSIONS[-1])
    made.apply("prod")
    said = made.run("destroy", "-auto-approve", *options("prod"), code=1)
    assert "prod-event-generator can't be destroyed: deletion_protection is true" in said


def test_bindings_that_say_no_type_are_refused() -> None:
    module = schema.Module(
        "class Thing extends cdktn.TerraformResource {\n"
        "    // name - computed: false, optional: true, required: false\n"
        "    get name() {\n        return this.nameOfAnotherKind();\n    }\n"
        "}\n",
        "",
    )
    with pytest.raises(schema.NotUnderstood, match="name: no type found"):
        module.resource("Thing")


def test_bindings_of_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: Path) -> tuple[str, str, schema.Schema]:
        return "registry.terraform.io/hashicorp/google", "7.0.0", {}

    def download(_: Path, target: Path) -> None:
        bundle = target / "cdktn_provider_google/_jsii/one.jsii.tgz"
        bundle.parent.mkdir(parents=True)
        bundle.touch()

    monkeypatch.setattr(install, "HOME", tmp_path)
    monkeypatch.setattr(install, "_download", download)
    monkeypatch.setattr(schema, "read", read)
    with pytest.raises(install.OtherVersion, match=r"are of version 7\.0\.0, not 8\.7\.0"):
        install.fetch("8.7.0")
