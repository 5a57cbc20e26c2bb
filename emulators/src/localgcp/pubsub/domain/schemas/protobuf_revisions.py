"""Which Protocol Buffer message may follow which (page "Commit a schema revision")."""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from localgcp.pubsub.errors import Mismatch


def check(before: Descriptor, after: Descriptor) -> None:
    """Optional fields may be added and deleted, and no field be changed. Raises Mismatch."""
    _check(before, after, set())


def _check(before: Descriptor, after: Descriptor, seen: set[tuple[str, str]]) -> None:
    pair = before.full_name, after.full_name
    if pair in seen:
        return
    seen.add(pair)
    if before.full_name != after.full_name:
        raise Mismatch(f"The message {before.full_name} is called {after.full_name}.")
    for number, field in before.fields_by_number.items():
        if number not in after.fields_by_number:
            _check_optional(field, "deleted")
            continue
        other = after.fields_by_number[number]
        if _shape(field) != _shape(other):
            raise Mismatch(f"The field {field.full_name} = {number} is changed.")
        if field.message_type is not None and other.message_type is not None:
            _check(field.message_type, other.message_type, seen)
    for number, field in after.fields_by_number.items():
        if number not in before.fields_by_number:
            _check_optional(field, "added")


def _shape(field: FieldDescriptor) -> tuple[object, ...]:
    named = field.message_type or field.enum_type
    full = named.full_name if named is not None else None
    return field.name, field.type, full, field.is_repeated, field.is_required


def _check_optional(field: FieldDescriptor, what: str) -> None:
    if field.is_repeated or field.is_required:
        raise Mismatch(f"The field {field.full_name} is not optional, and is {what}.")
