"""Protocol Buffer definitions: compiled by Google's own protoc, in a process of its own.

protoc comes with grpcio-tools; it takes a twentieth of a second, and what it may do to its process
is no matter of ours. A message is read by protobuf itself, whose readers are bounded.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from localgcp.pubsub.domain.schemas import protobuf_revisions
from localgcp.pubsub.domain.schemas.definition import Definition, Encoding, Values, unreadable
from localgcp.pubsub.errors import InvalidArgument, Mismatch

COMPILE_SECONDS = 20
_FILE, _OUT = "schema.proto", "schema.descriptors"


@dataclass(frozen=True)
class ProtobufDefinition:
    """One message type."""

    message: type[Message]

    def check(self, data: bytes, encoding: Encoding) -> None:
        """Hold a message against it; fields that it does not have are refused. Raises Mismatch."""
        if encoding is Encoding.BINARY:
            self._check_binary(data)
        else:
            self._check_json(data)

    def values(self, data: bytes, encoding: Encoding) -> Values:
        """The fields that a checked message has; enums by name, 64-bit integers as numbers."""
        read = self.message()
        if encoding is Encoding.BINARY:
            read.ParseFromString(data)
        else:
            json_format.Parse(data, read)
        return _values(read)

    def check_successor(self, other: Definition) -> None:
        """Only optional fields may come or go (page "Commit a schema revision").

        Raises Mismatch.
        """
        assert isinstance(other, ProtobufDefinition)
        before, after = self.message.DESCRIPTOR, other.message.DESCRIPTOR
        protobuf_revisions.check(cast(Descriptor, before), cast(Descriptor, after))

    def _check_json(self, data: bytes) -> None:
        try:
            read = json_format.Parse(data, self.message())
        except (json_format.ParseError, ValueError, RecursionError) as error:
            raise Mismatch(str(error)) from error
        _check_required(read)

    def _check_binary(self, data: bytes) -> None:
        try:
            read = self.message.FromString(data)
        except DecodeError as error:
            raise Mismatch(f"The message is no {self.message.DESCRIPTOR.full_name}.") from error
        _check_required(read)
        size = read.ByteSize()
        read.DiscardUnknownFields()
        if read.ByteSize() != size:
            raise Mismatch(
                f"The message has fields that {self.message.DESCRIPTOR.full_name} does not have."
            )


def _values(message: Message) -> Values:
    """As MessageToDict, but bytes stay bytes and no number becomes a string."""
    told: Values = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            told[field.name] = [
                {"key": key, "value": _one(inner, each)} for key, each in value.items()
            ]
        elif field.is_repeated:
            told[field.name] = [_one(field, each) for each in value]
        else:
            told[field.name] = _one(field, value)
    return told


def _one(field: FieldDescriptor, value: object) -> object:
    if isinstance(value, Message):
        return _values(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number
        return known[value].name if isinstance(value, int) and value in known else value
    return value


def _check_required(read: Message) -> None:
    if not read.IsInitialized():
        missing = ", ".join(read.FindInitializationErrors())  # type: ignore[attr-defined]
        raise Mismatch(f"Required fields are missing: {missing}.")


def compile(text: str) -> ProtobufDefinition:
    """Compile a definition of one top-level type. Raises InvalidArgument."""
    files = FileDescriptorSet.FromString(_protoc(text))
    file = files.file[-1]
    if file.dependency:
        raise InvalidArgument(
            f"Invalid schema definition: imports are not supported: {file.dependency[0]}"
        )
    top = [*(each.name for each in file.message_type), *(each.name for each in file.enum_type)]
    if len(top) != 1 or not file.message_type:
        raise InvalidArgument(
            "Invalid schema definition: a schema has exactly one top-level type, a message; "
            f"this one has {', '.join(top) or 'none'}."
        )
    return _definition(files, f"{file.package}.{top[0]}".lstrip("."))


def load(compiled: bytes, root: str) -> ProtobufDefinition:
    """Take a FileDescriptorSet as protoc made it. Raises InvalidArgument."""
    try:
        files = FileDescriptorSet.FromString(compiled)
    except DecodeError as error:
        raise unreadable("compiled_bytes is no FileDescriptorSet.") from error
    return _definition(files, root)


def _definition(files: FileDescriptorSet, root: str) -> ProtobufDefinition:
    pool = DescriptorPool()
    try:
        for file in files.file:
            pool.Add(file)
        descriptor = pool.FindMessageTypeByName(root)
        return ProtobufDefinition(message_factory.GetMessageClass(descriptor))
    except (TypeError, KeyError, ValueError) as error:
        raise unreadable(str(error)) from error


def _protoc(text: str) -> bytes:
    """The compiled FileDescriptorSet. Raises InvalidArgument."""
    with tempfile.TemporaryDirectory(prefix="localgcp-schema-") as folder:
        Path(folder, _FILE).write_text(text)
        command = [sys.executable, "-m", "grpc_tools.protoc"]
        command += ["--proto_path=.", f"--descriptor_set_out={_OUT}", _FILE]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMPILE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise unreadable(f"It takes longer than {COMPILE_SECONDS} s to compile.") from error
        if done.returncode:
            told = [line for line in done.stderr.splitlines() if line.startswith(_FILE)]
            raise unreadable("\n".join(told) or done.stderr.strip())
        return Path(folder, _OUT).read_bytes()
