"""Partial updates: a field mask says which settings of a resource are replaced."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from localgcp.pubsub.errors import InvalidArgument, Unsupported
from localgcp.pubsub.wire.protos import Proto


def merge(
    current: Proto, wanted: Proto, mask: FieldMask, mutable: frozenset[str], fixed: frozenset[str]
) -> Proto:
    """`current` with the masked fields of `wanted`; one that is unset there is cleared.

    Raises InvalidArgument for a mask that is empty, names no field, or names a `fixed` one;
    Unsupported for any other field that is not `mutable`.
    """
    kind = current.DESCRIPTOR.name
    if not mask.paths:
        raise InvalidArgument(f"The update_mask of {kind} must name at least one field.")
    for path in mask.paths:
        if not FieldMask(paths=[path]).IsValidForDescriptor(current.DESCRIPTOR):
            raise InvalidArgument(f"The update_mask names {path}, which {kind} does not have.")
        root = path.partition(".")[0]
        if root in fixed:
            raise InvalidArgument(f"{kind}.{root} cannot be updated.")
        if root not in mutable:
            raise Unsupported(f"{kind}.{root}")
    mask.MergeMessage(wanted, current, replace_message_field=True, replace_repeated_field=True)
    return current
