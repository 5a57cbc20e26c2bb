"""IAM policies of resources, kept as data: nobody is identified here, and nobody denied.

IAM API reference: Policy, SetIamPolicy; page "Access control with IAM".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from localgcp.pubsub.domain.keeping import Keeper
from localgcp.pubsub.domain.names import short
from localgcp.pubsub.domain.policy import NO_POLICY, Policy
from localgcp.pubsub.errors import Conflict, InvalidArgument

VERSIONS = (0, 1, 3)
_MEMBERS = ("user", "serviceAccount", "group", "domain", "deleted", "principal", "principalSet")
_PROJECT_MEMBERS = ("projectOwner", "projectEditor", "projectViewer")
_ALL = ("allUsers", "allAuthenticatedUsers")


class Policies:
    """All policies, by resource. `clock` gives seconds since the epoch, for etags."""

    def __init__(self, clock: Callable[[], float], keeper: Keeper) -> None:
        self._clock, self._keeper = clock, keeper
        self.by_resource: dict[str, Policy] = {}

    def get(self, resource: str) -> Policy:
        """The policy of a resource that exists."""
        return self.by_resource.get(resource, NO_POLICY)

    def set(self, resource: str, wanted: Policy) -> Policy:
        """Replace the policy of a resource that exists; return it with its new etag.

        Raises Conflict where `wanted` has the etag of another, InvalidArgument.
        """
        _check(wanted)
        current = self.get(resource)
        if wanted.etag and wanted.etag != current.etag:
            raise Conflict(
                "There were concurrent policy changes. Please retry the whole read-modify-write "
                f"with exponential backoff (resource={short(resource)})."
            )
        stamp = int(self._clock() * 1e6).to_bytes(8, "big")
        if stamp <= current.etag[:8]:
            stamp = (int.from_bytes(current.etag[:8], "big") + 1).to_bytes(8, "big")
        policy = replace(wanted, version=wanted.version or 1, etag=stamp)
        self._keeper.put_policy(resource, policy)
        self.put(resource, policy)
        return policy

    def put(self, resource: str, policy: Policy) -> None:
        """Have this policy, as it is."""
        self.by_resource[resource] = policy

    def drop(self, resource: str) -> None:
        """The resource is deleted."""
        self.by_resource.pop(resource, None)


def check_permissions(permissions: Sequence[str]) -> None:
    """Look whether the permissions can be tested.

    Raises InvalidArgument for what can't be tested.
    """
    for each in permissions:
        if "*" in each or each.count(".") < 2:
            raise InvalidArgument(f"Permission {each} is not valid for this resource.")


def _check(policy: Policy) -> None:
    if policy.version not in VERSIONS:
        raise InvalidArgument(f"Invalid policy version: {policy.version}; it is 1 or 3.")
    for binding in policy.bindings:
        if not binding.role.startswith(("roles/", "projects/", "organizations/")):
            raise InvalidArgument(f"Invalid role: {binding.role!r}; it reads roles/ROLE.")
        if binding.condition is not None and policy.version != 3:
            raise InvalidArgument("A policy with a condition has the version 3.")
        for member in binding.members:
            _check_member(member)


def _check_member(member: str) -> None:
    kind, _, rest = member.partition(":")
    if member not in _ALL and not (rest and kind in (*_MEMBERS, *_PROJECT_MEMBERS)):
        raise InvalidArgument(
            f"Invalid member: {member!r}; it reads KIND:WHO, as user:somebody@example.com, or is "
            "allUsers or allAuthenticatedUsers."
        )
