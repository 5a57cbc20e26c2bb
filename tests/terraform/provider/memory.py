"""What a cloud remembers between calls, and refuses because of it.

Services that are off, accounts that are not there yet, grants that are missing, names that are
never free again.

The providers are several processes, so what they know of one cloud lies in one folder of files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import Any

from tests.terraform.provider.behaviour import (
    AGENTS,
    ASKED_FOR,
    COMPUTE_AGENT,
    KEY_USERS,
    PROJECT_NUMBER,
    SERVICES,
)
from tests.terraform.provider.names import identity

Values = dict[str, Any]
IAM = re.compile(r"google_(\w+)_iam_member")
# resourceKMSKeyRingDelete and resourceKMSCryptoKeyDelete: "cannot be deleted"; of a pool:
# "You cannot reuse the ID of a soft-deleted pool" (attribute `state` of the provider's page).
OUTLIVE_DESTROY = {
    "google_kms_key_ring": "ACTIVE",
    "google_kms_crypto_key": "ACTIVE",
    "google_iam_workload_identity_pool": "DELETED",
    "google_iam_workload_identity_pool_provider": "DELETED",
}


class Cloud:
    """One project's memory. Facts are of a kind, a name and a value."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def learn(self, kind: str, name: str, value: Any = True) -> None:
        """Remember a fact, in place of an older one."""
        path = self._path(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: the other providers read while this one writes.
        half = path.with_suffix(f".{os.getpid()}-{get_ident()}")
        half.write_text(json.dumps({"name": name, "value": value}))
        half.replace(path)

    def relearn(self, kind: str, value: Any) -> None:
        """Give every fact of a kind this value."""
        for name in self.names(kind):
            self.learn(kind, name, value)

    def forget(self, kind: str, name: str) -> None:
        """Forget a fact, if it is known."""
        self._path(kind, name).unlink(missing_ok=True)

    def value(self, kind: str, name: str) -> Any:
        """A fact's value, or None."""
        path = self._path(kind, name)
        try:
            return json.loads(path.read_text())["value"]
        except FileNotFoundError:
            return None

    def names(self, kind: str) -> set[str]:
        """The names of all facts of a kind."""
        folder = self._folder / kind
        names = set()
        for path in folder.glob("*.json"):
            with suppress(FileNotFoundError):  # forgotten just now
                names.add(json.loads(path.read_text())["name"])
        return names

    def _path(self, kind: str, name: str) -> Path:
        return self._folder / kind / f"{sha256(name.encode()).hexdigest()[:24]}.json"


def cloud_of(home: Path, reason: str | None, project: str | None) -> Cloud:
    """The memory of a project, in the cloud that goes by this reason."""
    return Cloud(home / sha256(repr([reason, project]).encode()).hexdigest()[:16])


def refused_reading(cloud: Cloud, type_name: str) -> str | None:
    """Why a data source can't be read, or None; one that can leaves its account behind."""
    service = "cloudresourcemanager" if type_name == "google_project" else _service(type_name)
    if service not in cloud.names("service"):
        return _off(service)
    if type_name in ASKED_FOR:
        cloud.learn("agent", _numbered(ASKED_FOR[type_name]))
    return None


def refused_making(cloud: Cloud, type_name: str, plan: Values) -> str | None:
    """Why a resource can't be made, or None."""
    return next(_refusals(cloud, type_name, plan), None)


def refused_importing(cloud: Cloud, type_name: str, identity: str) -> str | None:
    """Why what outlives a destroy can't be imported, or None."""
    if type_name in OUTLIVE_DESTROY and cloud.value(type_name, identity) not in (None, "ACTIVE"):
        return f"Cannot import non-existent remote object: {identity} is deleted"
    return None


def found(cloud: Cloud, type_name: str, identity: str) -> Values | None:
    """What an import reads, if this cloud ever made it."""
    state: Values | None = cloud.value("resource", f"{type_name} {identity}")
    return state


def made(cloud: Cloud, type_name: str, state: Values) -> None:
    """Remember what has been made, or changed."""
    cloud.learn("resource", f"{type_name} {state['id']}", state)
    match type_name:
        case "google_project_service":
            cloud.learn("service", state["service"].removesuffix(".googleapis.com"))
            if state["service"] == "compute.googleapis.com":
                cloud.learn("agent", _numbered(COMPUTE_AGENT))
        case "google_project_service_identity":
            cloud.learn("agent", state["email"])
        case "google_logging_metric":
            cloud.learn("log metric", state["name"])
        case "google_artifact_registry_repository":
            immutable = any(each.get("immutable_tags") for each in state["docker_config"])
            cloud.learn("repository", state["id"], immutable)
        case "google_cloud_run_v2_service":
            for each in _at(state, "template", "vpc_access", "network_interfaces"):
                cloud.learn("subnetwork in use", str(each.get("subnetwork")))
        case name if name in OUTLIVE_DESTROY:
            cloud.learn(type_name, state["id"], "ACTIVE")
        case name if IAM.fullmatch(name):
            cloud.learn("grant", _grant(type_name, state))


def refused_destroying(cloud: Cloud, type_name: str, state: Values) -> str | None:
    """Why a resource can't be destroyed, or None."""
    if state.get("deletion_protection"):
        return f"{state['id']} can't be destroyed: deletion_protection is true"
    if type_name == "google_compute_subnetwork" and state["id"] in cloud.names("subnetwork in use"):
        # Cloud Run's page "Direct VPC egress", "Delete subnet"; cloud-foundation-fabric #2867.
        return (
            f"The subnetwork resource '{state['id']}' is already being used by serverless-ipv4;"
            " Cloud Run holds its addresses for 1 to 2 hours after the service is gone"
        )
    return None


def destroyed(cloud: Cloud, type_name: str, state: Values) -> None:
    """Remember what is gone. A service stays on: disable_on_destroy is false here."""
    if type_name not in OUTLIVE_DESTROY:
        cloud.forget("resource", f"{type_name} {state['id']}")
    if type_name in OUTLIVE_DESTROY:
        cloud.learn(type_name, state["id"], OUTLIVE_DESTROY[type_name])
    elif IAM.fullmatch(type_name):
        cloud.forget("grant", _grant(type_name, state))


def _refusals(cloud: Cloud, type_name: str, plan: Values) -> Iterator[str]:
    service = _service(type_name)
    if service and service not in cloud.names("service"):
        yield _off(service)
    if type_name == "google_project_service_identity":
        wanted = plan["service"].removesuffix(".googleapis.com")
        if wanted not in cloud.names("service"):
            yield _off(wanted)
    if IAM.fullmatch(type_name):
        yield from _no_such_account(cloud, str(plan["member"]))
    if type_name in KEY_USERS:
        yield from _no_key(cloud, type_name, plan)
    if type_name in OUTLIVE_DESTROY and (
        state := cloud.value(type_name, identity(type_name, plan))
    ):
        yield f"Error 409: {identity(type_name, plan)} already exists, and is {state}"
    if type_name == "google_monitoring_alert_policy":
        yield from _unknown_metric(cloud, plan)
    if type_name == "google_cloudfunctions2_function":
        yield from _no_build(cloud, plan)
        if plan["event_trigger"] and not _granted(
            cloud, "project", "roles/eventarc.serviceAgent", AGENTS["eventarc"]
        ):
            # terraform-provider-google #25294
            yield "Error 400: Permission denied while using the Eventarc Service Agent"


def _no_such_account(cloud: Cloud, member: str) -> Iterator[str]:
    kind, _, email = member.partition(":")
    google_s = {*AGENTS.values(), *ASKED_FOR.values(), COMPUTE_AGENT}
    agents = {_numbered(each) for each in google_s}
    if kind == "serviceAccount" and email in agents - cloud.names("agent"):
        yield f"Error 400: Service account {email} does not exist."


def _no_key(cloud: Cloud, type_name: str, plan: Values) -> Iterator[str]:
    role = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    for key in _keys(plan):
        for user in KEY_USERS[type_name]:
            if not _granted(cloud, "kms_crypto_key", role, user, key):
                yield f"Error 403: {_numbered(user)} may not use the key {key}"


def _unknown_metric(cloud: Cloud, plan: Values) -> Iterator[str]:
    """terraform-provider-google #11102: "could take up to 10 minutes to become available"."""
    said = 'Error 404: Cannot find metric(s) that match type = "logging.googleapis.com/user/{}"'
    for metric in sorted(cloud.names("log metric")):
        for each in _at(plan, "conditions", "condition_threshold"):
            if f"logging.googleapis.com/user/{metric}" in str(each["filter"]):
                yield said.format(metric)
        for each in _at(plan, "conditions", "condition_prometheus_query_language"):
            asked = f"user_{re.sub(r'[^a-zA-Z0-9]', '_', metric)}" in str(each["query"])
            if asked and not each["disable_metric_validation"]:
                yield said.format(metric)


def _no_build(cloud: Cloud, plan: Values) -> Iterator[str]:
    (build,) = plan["build_config"]
    if not build["service_account"]:
        return
    email = build["service_account"].rpartition("/")[2]
    bucket = f"gcf-v2-sources-{PROJECT_NUMBER}-{plan['location']}"
    reading = [
        grant
        for grant in map(json.loads, cloud.names("grant"))
        if grant["member"].endswith(email) and grant["role"] == "roles/storage.objectViewer"
        if grant["kind"] == "project" or grant["target"] == bucket
    ]
    if not any(not each["condition"] or bucket in each["condition"] for each in reading):
        # terraform-provider-google #20571
        yield (
            f"Build failed: Access to bucket {bucket} denied. You must grant Storage Object"
            f" Viewer permission to {email}."
        )
    repository = build["docker_repository"]
    if repository and cloud.value("repository", repository):
        # Each build pushes the image and its cache under the tags of the build before.
        yield f"Build failed: {repository} has immutable tags, and the cache's tag is there"
    name = str(repository).rpartition("/")[2]
    role = "roles/artifactregistry.writer"
    if repository and not _granted(cloud, "artifact_registry_repository", role, email, name):
        yield f"Build failed: {email} may not push to {repository}"


def _granted(cloud: Cloud, kind: str, role: str, user: str, target: str | None = None) -> bool:
    member = f"serviceAccount:{_numbered(user)}"
    return any(
        (grant["kind"], grant["role"], grant["member"]) == (kind, role, member)
        and target in (None, grant["target"])
        for grant in map(json.loads, cloud.names("grant"))
    )


def _grant(type_name: str, state: Values) -> str:
    found = IAM.fullmatch(type_name)
    assert found
    on = {
        "kms_crypto_key": "crypto_key_id",
        "artifact_registry_repository": "repository",
        "storage_bucket": "bucket",
    }
    condition = "".join(each["expression"] for each in state.get("condition") or [])
    grant = {
        "kind": found[1],
        "target": state.get(on.get(found[1], "project")),
        "role": state["role"],
        "member": state["member"],
        "condition": condition,
    }
    return json.dumps(grant, sort_keys=True)


def _keys(values: Any) -> Iterator[str]:
    """All keys that a resource names, however deep."""
    if isinstance(values, dict):
        for name, each in values.items():
            if isinstance(each, str) and "/cryptoKeys/" in each and "key" in name:
                yield each
            yield from _keys(each)
    elif isinstance(values, list):
        for each in values:
            yield from _keys(each)


def _at(values: Values, *names: str) -> list[Values]:
    """The blocks of a name in all blocks of the name before, down from a resource's own."""
    found = [values]
    for name in names:
        found = [inner for each in found for inner in each.get(name) or []]
    return found


def _service(type_name: str) -> str:
    return next((service for start, service in SERVICES if type_name.startswith(start)), "")


def _off(service: str) -> str:
    name = f"{service}.googleapis.com"
    return f"Error 403: {name} has not been used in project before or it is disabled"


def _numbered(address: str) -> str:
    return address.format(number=PROJECT_NUMBER)
