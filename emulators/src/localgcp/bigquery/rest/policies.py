"""IAM policies of tables: kept and shown, never enforced, for the emulator knows no identities.

Source: Resource: Policy, in the reference of tables.getIamPolicy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.errors import BadValue, PolicyChanged
from localgcp.bigquery.rest.call import MethodCall, plain

_VERSIONS = (0, 1, 3)


class Policies:
    """The three IAM methods of a table."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def get(self, call: MethodCall) -> dict[str, Any]:
        """The policy, which is empty until one is set."""
        return _shown(self._catalog.table(plain(call.name)).policy)

    def set(self, call: MethodCall) -> dict[str, Any]:
        """Replace it. Raises PolicyChanged where the given etag is not that of today's."""
        resources.check_keys("setIamPolicy request", call.body, ("policy", "updateMask"), ())
        policy = resources.required(call.body, "policy", "policy")
        resources.check_keys("policy", policy, ("version", "bindings", "etag"), ("auditConfigs",))
        _check(policy)
        name = plain(call.name)

        def check(current: Mapping[str, Any]) -> None:
            if policy.get("etag") not in (None, "", _shown(current)["etag"]):
                raise PolicyChanged(str(name))

        kept = {key: policy[key] for key in ("version", "bindings") if policy.get(key)}
        return _shown(self._catalog.set_policy(name, kept, check).policy)

    def test(self, call: MethodCall) -> dict[str, Any]:
        """Which of the named permissions the caller has: all of them."""
        self._catalog.table(plain(call.name))
        return {"permissions": list(call.body.get("permissions") or ())}


def _check(policy: Mapping[str, Any]) -> None:
    if policy.get("version", 0) not in _VERSIONS:
        raise BadValue("policy.version", policy["version"], f"one of {_VERSIONS}")
    for place, binding in enumerate(policy.get("bindings") or ()):
        where = f"policy.bindings[{place}]"
        resources.check_keys(where, binding, ("role", "members", "condition"), ())
        if not str(resources.required(binding, "role", f"{where}.role")).startswith(
            ("roles/", "projects/", "organizations/")
        ):
            raise BadValue(f"{where}.role", binding["role"], "a role is roles/NAME")


def _shown(policy: Mapping[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).digest()[:8]
    return {"version": 1, **policy, "etag": base64.b64encode(digest).decode()}
