"""The methods of google.iam.v1.IAMPolicy: request in, policy call, response out."""

from __future__ import annotations

from collections.abc import Callable

from google.iam.v1 import iam_policy_pb2, policy_pb2

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.policies import check_permissions
from localgcp.pubsub.domain.policy import Binding, Condition, Policy
from localgcp.pubsub.errors import InvalidArgument, NotFound, Unsupported
from localgcp.pubsub.wire.protos import Proto
from localgcp.pubsub.wire.schema_methods import Answer

_MASK = frozenset(("bindings", "etag", "version"))


def read(policy: Proto) -> Policy:
    """The policy that a request has. Raises Unsupported."""
    if policy.audit_configs:
        raise Unsupported("Policy.audit_configs")
    bindings = tuple(
        Binding(each.role, tuple(each.members), _condition(each)) for each in policy.bindings
    )
    return Policy(bindings, policy.version, policy.etag)


def shown(policy: Policy) -> Proto:
    """A policy as the API shows it."""
    message = policy_pb2.Policy(version=policy.version, etag=policy.etag)
    for binding in policy.bindings:
        added = message.bindings.add(role=binding.role, members=binding.members)
        if binding.condition is not None:
            said = binding.condition
            added.condition.expression, added.condition.title = said.expression, said.title
            added.condition.description = said.description
            added.condition.location = said.location
    return message


def _condition(binding: Proto) -> Condition | None:
    if not binding.HasField("condition"):
        return None
    said = binding.condition
    return Condition(said.expression, said.title, said.description, said.location)


def _check_exists(broker: Broker, resource: str) -> None:
    """Look for the resource of a policy. Raises NotFound, InvalidArgument."""
    find: dict[str, Callable[[str], object]] = {
        "topics": broker.topic,
        "subscriptions": broker.subscription,
        "schemas": broker.schemas.check_exists,
        "snapshots": broker.snapshots.get,
    }
    parts = resource.split("/")
    if len(parts) != 4 or parts[2] not in find:
        raise InvalidArgument(
            f"Invalid resource: (resource={resource}); it is a topic, a subscription, "
            "a schema or a snapshot."
        )
    find[parts[2]](resource)


def _get(broker: Broker, request: Proto) -> Proto:
    _check_exists(broker, request.resource)
    return shown(broker.policies.get(request.resource))


def _set(broker: Broker, request: Proto) -> Proto:
    for path in request.update_mask.paths:
        if path not in _MASK:
            raise InvalidArgument(f"The update_mask names {path}, which Policy does not have.")
    _check_exists(broker, request.resource)
    return shown(broker.policies.set(request.resource, read(request.policy)))


def _test(broker: Broker, request: Proto) -> Proto:
    check_permissions(request.permissions)
    try:
        _check_exists(broker, request.resource)
    except NotFound:
        return iam_policy_pb2.TestIamPermissionsResponse()
    # Whoever comes may do all there is: nobody is told apart.
    return iam_policy_pb2.TestIamPermissionsResponse(permissions=request.permissions)


METHODS: dict[str, tuple[Proto, Answer]] = {
    "GetIamPolicy": (iam_policy_pb2.GetIamPolicyRequest, _get),
    "SetIamPolicy": (iam_policy_pb2.SetIamPolicyRequest, _set),
    "TestIamPermissions": (iam_policy_pb2.TestIamPermissionsRequest, _test),
}
