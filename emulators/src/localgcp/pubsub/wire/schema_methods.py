"""The methods of SchemaService: request in, registry call, response out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.names import check_project
from localgcp.pubsub.domain.schemas.definition import Encoding, Language, Source
from localgcp.pubsub.domain.schemas.schema import Revision
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire import protos
from localgcp.pubsub.wire.protos import Proto

Answer = Callable[[Broker, Proto], Proto]


def source(schema: Proto) -> Source:
    """The definition that a Schema holds. Raises InvalidArgument."""
    if schema.type_ not in (language.value for language in Language):
        raise InvalidArgument(f"Invalid schema type: {_name(types.Schema.Type, schema.type_)}.")
    language = Language(schema.type_)
    if not schema.HasField("compiled_proto_schema"):
        if not schema.definition:
            raise InvalidArgument("Invalid schema definition: it is empty.")
        return Source(language, schema.definition)
    if language is not Language.PROTOCOL_BUFFER or schema.definition:
        raise InvalidArgument(
            "A compiled_proto_schema goes with the type PROTOCOL_BUFFER, and with no definition."
        )
    compiled = schema.compiled_proto_schema
    if not compiled.root_message:
        raise InvalidArgument("The compiled_proto_schema has no root_message.")
    return Source(language, compiled=compiled.compiled_bytes, root=compiled.root_message)


def encoding(number: int) -> Encoding:
    """The encoding of that number. Raises InvalidArgument."""
    if number not in (Encoding.JSON, Encoding.BINARY):
        raise InvalidArgument(f"Invalid encoding: {_name(types.Encoding, number)}.")
    return Encoding(number)


def shown(revision: Revision, name: str, definition: bool = True) -> Proto:
    """A revision as a Schema called `name`; without its definition in the view BASIC."""
    schema = protos.Schema(name=name, type_=revision.source.language.value, revision_id=revision.id)
    schema.revision_create_time.FromMicroseconds(round(revision.created * 1e6))
    if not definition:
        return schema
    if revision.source.root:
        schema.compiled_proto_schema.root_message = revision.source.root
        schema.compiled_proto_schema.compiled_bytes = revision.source.compiled
    else:
        schema.definition = revision.source.text
    return schema


def _create(broker: Broker, request: Proto) -> Proto:
    made = broker.schemas.create(request.parent, request.schema_id, source(request.schema))
    return shown(made, made.schema)


def _get(broker: Broker, request: Proto) -> Proto:
    found = broker.schemas.get(request.name)
    return shown(found, request.name, request.view != types.SchemaView.BASIC)


def _list(broker: Broker, request: Proto) -> Proto:
    listed, token = broker.schemas.page(request.parent, request.page_size, request.page_token)
    full = request.view == types.SchemaView.FULL
    schemas = [shown(revision, revision.schema, full) for revision in listed]
    return protos.ListSchemasResponse(schemas=schemas, next_page_token=token)


def _list_revisions(broker: Broker, request: Proto) -> Proto:
    listed, token = broker.schemas.revisions(request.name, request.page_size, request.page_token)
    full = request.view == types.SchemaView.FULL
    schemas = _named(listed, full)
    return protos.ListSchemaRevisionsResponse(schemas=schemas, next_page_token=token)


def _commit(broker: Broker, request: Proto) -> Proto:
    made = broker.schemas.commit(request.name, source(request.schema))
    return shown(made, made.name)


def _roll_back(broker: Broker, request: Proto) -> Proto:
    made = broker.schemas.roll_back(request.name, request.revision_id)
    return shown(made, made.name)


def _delete_revision(broker: Broker, request: Proto) -> Proto:
    name = request.name
    if request.revision_id and "@" not in name:  # the field's own way, which is deprecated
        name = f"{name}@{request.revision_id}"
    deleted = broker.schemas.delete_revision(name)
    return shown(deleted, deleted.name)


def _delete(broker: Broker, request: Proto) -> Proto:
    broker.delete_schema(request.name)
    return Empty()


def _validate_schema(broker: Broker, request: Proto) -> Proto:
    check_project(request.parent)
    broker.schemas.validate_definition(source(request.schema))
    return protos.ValidateSchemaResponse()


def _validate_message(broker: Broker, request: Proto) -> Proto:
    check_project(request.parent)
    if request.WhichOneof("schema_spec") is None:
        raise InvalidArgument("The request names no schema, and has none (argument=schema_spec).")
    against = broker.schemas.get(request.name).source if request.name else source(request.schema)
    broker.schemas.validate(against, request.message, encoding(request.encoding))
    return protos.ValidateMessageResponse()


def _named(revisions: Iterable[Revision], full: bool) -> list[Proto]:
    return [shown(revision, revision.name, full) for revision in revisions]


def _name(enum: Any, number: int) -> str:
    return str(enum(number).name) if number in set(enum) else str(number)


METHODS: dict[str, tuple[Proto, Answer]] = {
    "CreateSchema": (protos.CreateSchemaRequest, _create),
    "GetSchema": (protos.GetSchemaRequest, _get),
    "ListSchemas": (protos.ListSchemasRequest, _list),
    "ListSchemaRevisions": (protos.ListSchemaRevisionsRequest, _list_revisions),
    "CommitSchema": (protos.CommitSchemaRequest, _commit),
    "RollbackSchema": (protos.RollbackSchemaRequest, _roll_back),
    "DeleteSchemaRevision": (protos.DeleteSchemaRevisionRequest, _delete_revision),
    "DeleteSchema": (protos.DeleteSchemaRequest, _delete),
    "ValidateSchema": (protos.ValidateSchemaRequest, _validate_schema),
    "ValidateMessage": (protos.ValidateMessageRequest, _validate_message),
}
