"""What a cloud that accepts everything answers: pure functions over schemas and values.

It knows names as Google gives them where outputs and references need them, which values an
attribute's description allows, and that what is protected is not destroyed. It does not know
patterns of names, attributes that exclude one another, server defaults, quotas or permissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Block = dict[str, Any]
Values = dict[str, Any]
Path = tuple[str | int, ...]

PROJECT_NUMBER = "123456789012"
# Other attributes change in place. A real provider knows more that force a new resource.
IDENTITY = frozenset(
    (
        *("account_id", "dataset_id", "key_ring", "location", "name"),
        *("project", "region", "repository_id", "table_id"),
    )
)
IDS = {
    "google_artifact_registry_repository": (
        "projects/{project}/locations/{location}/repositories/{repository_id}"
    ),
    "google_bigquery_dataset": "projects/{project}/datasets/{dataset_id}",
    "google_bigquery_table": "projects/{project}/datasets/{dataset_id}/tables/{table_id}",
    "google_cloud_run_v2_service": "projects/{project}/locations/{location}/services/{name}",
    "google_cloudfunctions2_function": "projects/{project}/locations/{location}/functions/{name}",
    "google_compute_network": "projects/{project}/global/networks/{name}",
    "google_compute_subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "google_iam_workload_identity_pool": (
        f"projects/{PROJECT_NUMBER}/locations/global"
        "/workloadIdentityPools/{workload_identity_pool_id}"
    ),
    "google_kms_crypto_key": "{key_ring}/cryptoKeys/{name}",
    "google_kms_key_ring": "projects/{project}/locations/{location}/keyRings/{name}",
    "google_pubsub_subscription": "projects/{project}/subscriptions/{name}",
    "google_pubsub_topic": "projects/{project}/topics/{name}",
    "google_service_account": (
        "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com"
    ),
    "google_storage_bucket": "{name}",
}
COMPUTED = {
    ("google_cloud_run_v2_service", "uri"): f"https://{{name}}-{PROJECT_NUMBER}.a.run.app",
    ("google_iam_workload_identity_pool", "name"): IDS["google_iam_workload_identity_pool"],
    ("google_project", "number"): PROJECT_NUMBER,
    ("google_project_service_identity", "member"): "serviceAccount:agent@{service}",
    ("google_service_account", "email"): "{account_id}@{project}.iam.gserviceaccount.com",
    ("google_service_account", "member"): (
        "serviceAccount:{account_id}@{project}.iam.gserviceaccount.com"
    ),
    ("google_service_account", "name"): IDS["google_service_account"],
    ("google_storage_bucket", "url"): "gs://{name}",
}


class Unknown:
    """The value that a plan has where only the cloud will know."""


UNKNOWN = Unknown()


class Complaint(NamedTuple):
    """What is wrong with a value, and where it is."""

    path: Path
    text: str


def complaints(block: Block, config: Values, path: Path = ()) -> Iterator[Complaint]:
    """Each value that is not among those its attribute may have."""
    for name, attribute in block.get("attributes", {}).items():
        value, choices = config.get(name), attribute.get("choices")
        if choices and isinstance(value, str) and value not in choices:
            text = f"expected {name} to be one of {choices}, got {value!r}"
            yield Complaint((*path, name), text)
    for name, nested in block.get("block_types", {}).items():
        is_list = nested["nesting_mode"] == "list"
        for index, each in enumerate(_blocks(config.get(name))):
            where = (*path, name, index) if is_list else (*path, name)
            yield from complaints(nested["block"], each, where)


def planned(block: Block, proposed: Values) -> Values:
    """The proposed values, with what the cloud will choose still unknown."""
    out = dict(proposed)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("computed") and out.get(name) is None:
            out[name] = UNKNOWN
    for name, nested in block.get("block_types", {}).items():
        out[name] = _each_block(out.get(name), lambda each, b=nested["block"]: planned(b, each))
    return out


def applied(type_name: str, block: Block, plan: Values, provider: Values) -> Values:
    """The planned values, with the cloud's choices made."""
    known = {name: each for name, each in plan.items() if isinstance(each, str)}
    names = {"project": "no-project", "region": "no-region", **provider, **known}
    names.setdefault("location", names["region"])
    return _filled(block, plan, lambda name: _chosen(type_name, name, names))


def imported(type_name: str, identity: str) -> Values:
    """What an import id says of a resource. Raises ValueError where it says nothing."""
    pattern = IDS.get(type_name, "")
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), identity)
    if not found:
        raise ValueError(f"import id {identity!r} of {type_name} is not like {pattern!r}")
    return {**found.groupdict(), "id": identity}


def replacing(prior: Values, plan: Values) -> list[str]:
    """Attributes whose change makes another resource."""
    return sorted(
        name
        for name in IDENTITY & prior.keys()
        if prior[name] != plan.get(name) and not isinstance(plan.get(name), Unknown)
    )


def _filled(block: Block, values: Values, choose: Any) -> Values:
    out = dict(values)
    for name, attribute in block.get("attributes", {}).items():
        if isinstance(out.get(name), Unknown):
            out[name] = _of_type(attribute["type"], choose(name))
    for name, nested in block.get("block_types", {}).items():
        # Inside a block nothing has the resource's own name.
        out[name] = _each_block(
            out.get(name), lambda each, b=nested["block"]: _filled(b, each, "the-{}".format)
        )
    return out


def _chosen(type_name: str, name: str, names: Values) -> str:
    pattern = COMPUTED.get((type_name, name)) or {
        "id": IDS.get(type_name, f"{type_name}/{{name}}"),
        "project": "{project}",
        "region": "{region}",
        "location": "{location}",
    }.get(name, f"the-{name}")
    return re.sub(r"\{(\w+)\}", lambda m: str(names.get(m[1], f"no-{m[1]}")), pattern)


def _of_type(kind: Any, text: str) -> Any:
    match kind:
        case "string":
            return text
        case "number":
            return 0
        case "bool":
            return False
        case ["list" | "set", _]:
            return []
        case ["map", _]:
            return {}
        case ["object", fields]:
            return {name: _of_type(each, text) for name, each in fields.items()}
    return None


def _blocks(value: Any) -> list[Values]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict)]
    return [value] if isinstance(value, dict) else []


def _each_block(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [change(each) for each in value]
    return change(value) if isinstance(value, dict) else value
