"""Every method of BigQuery's discovery document answers, or is refused by its name."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from google.cloud import bigquery

DOCUMENT = json.loads(
    files("googleapiclient").joinpath("discovery_cache/documents/bigquery.v2.json").read_text()
)
UNSERVED = ("datasets.undelete",)


def _methods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


METHODS = {method["id"].removeprefix("bigquery."): method for method in _methods(DOCUMENT)}


def _call(client: bigquery.Client, verb: str, path: str) -> tuple[int, str]:
    base = client._connection.API_BASE_URL
    body = b"{}" if verb in ("POST", "PUT", "PATCH") else None
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}{path}", body, headers, method=verb)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["error"]["message"]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_answers_or_is_refused_by_name(client: bigquery.Client, name: str) -> None:
    method = METHODS[name]
    path = re.sub(r"\{\w+\}", "thing", method["flatPath"])
    status, answer = _call(client, method["httpMethod"], f"/bigquery/v2/{path}")
    policies = name.startswith(("rowAccessPolicies.", "routines.")) and "Iam" in name
    if name in UNSERVED or policies or name.startswith("rowAccessPolicies."):
        assert (status, answer) == (400, f"not supported by the emulator: {name}")
    else:
        assert status < 500
        assert not answer.startswith("Not found: ") or "thing" in answer.partition(" /")[0]


def test_what_bigquery_does_not_have_is_not_found(client: bigquery.Client) -> None:
    path = "/bigquery/v2/projects/p/datasets/d/routine"
    assert _call(client, "GET", path) == (404, "Not found: GET /projects/p/datasets/d/routine")
    status, answer = _call(client, "POST", "/batch/bigquery/v2")
    assert (status, answer) == (400, "not supported by the emulator: batch requests")
