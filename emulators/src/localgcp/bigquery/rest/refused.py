"""The methods of the REST reference that are not served: refused by name, never "not found".

Of models the rest is in `absent.py`, of routines in `routine_calls.py`.
"""

from __future__ import annotations

import re

from localgcp.bigquery.errors import NotSupported

_DATASET = r"/projects/[^/]+/datasets/[^/]+"
_TABLE = rf"{_DATASET}/tables/[^/:]+"
_READ = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ALL = {"GET": "list", "POST": "insert"}
_IAM = {"POST": ""}
_POLICY = r":(?P<action>getIamPolicy|setIamPolicy|testIamPermissions)"

# What follows /bigquery/v2, and the method for each verb; an action in the path is the method.
_METHODS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (rf"{_DATASET}/routines/[^/:]+{_POLICY}", "routines", _IAM),
    (rf"{_TABLE}/rowAccessPolicies", "rowAccessPolicies", _ALL),
    (rf"{_TABLE}/rowAccessPolicies:(?P<action>batchDelete)", "rowAccessPolicies", _IAM),
    (rf"{_TABLE}/rowAccessPolicies/[^/:]+", "rowAccessPolicies", _READ),
    (rf"{_TABLE}/rowAccessPolicies/[^/:]+{_POLICY}", "rowAccessPolicies", _IAM),
    (rf"{_DATASET}:(?P<action>undelete)", "datasets", _IAM),
)
_COMPILED = tuple((re.compile(path), what, verbs) for path, what, verbs in _METHODS)


def check(verb: str, path: str) -> None:
    """Look whether a path is one of BigQuery's that is not served.

    Raises NotSupported, with the method's name, for a method that BigQuery has.
    """
    if path == "/batch/bigquery/v2":
        raise NotSupported("batch requests")
    for pattern, what, verbs in _COMPILED:
        match = pattern.fullmatch(path)
        if match and verb in verbs:
            raise NotSupported(f"{what}.{match.groupdict().get('action') or verbs[verb]}")
