"""SchemaService: every method, over gRPC and REST, on definitions in both languages."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import SchemaServiceClient
from google.pubsub_v1.types import Encoding, Schema, SchemaView

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess
from tests.surface.introspect import covers

PARENT = f"projects/{PROJECT}"
AVRO = '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": 0}]}'
PROTO = 'syntax = "proto3"; message M { string a = 1; }'
_numbers = itertools.count(1)


@pytest.fixture
def schemas(clients: Clients) -> Iterator[SchemaServiceClient]:
    with SchemaServiceClient() as client:
        yield client


def make(schemas: SchemaServiceClient, definition: str = AVRO, type_: str = "AVRO") -> Schema:
    return schemas.create_schema(
        parent=PARENT,
        schema=Schema(type_=Schema.Type[type_], definition=definition),
        schema_id=f"of-the-surface-{next(_numbers)}",
    )


@covers(SchemaServiceClient, "create_schema", "get_schema", "list_schemas", "delete_schema")
def test_schemas(schemas: SchemaServiceClient) -> None:
    made = make(schemas)
    assert made.name.startswith(f"{PARENT}/schemas/of-the-surface-")
    assert (made.definition, made.type_.name, len(made.revision_id)) == (AVRO, "AVRO", 8)
    assert made.revision_create_time is not None
    assert schemas.get_schema(name=made.name) == made
    basic = schemas.get_schema(request={"name": made.name, "view": SchemaView.BASIC})
    assert (basic.definition, basic.type_) == ("", made.type_)
    assert basic in list(schemas.list_schemas(parent=PARENT))
    full = {"parent": PARENT, "view": SchemaView.FULL, "page_size": 1}
    assert made in list(schemas.list_schemas(request=full))
    with pytest.raises(exceptions.AlreadyExists, match="of-the-surface"):
        schemas.create_schema(parent=PARENT, schema=made, schema_id=made.name.rpartition("/")[2])
    schemas.delete_schema(name=made.name)
    with pytest.raises(exceptions.NotFound, match="of-the-surface"):
        schemas.get_schema(name=made.name)
    with pytest.raises(exceptions.InvalidArgument, match="name=somewhere"):
        schemas.list_schemas(parent="somewhere")


@covers(SchemaServiceClient, "commit_schema", "list_schema_revisions", "rollback_schema")
@covers(SchemaServiceClient, "delete_schema_revision")
def test_revisions(schemas: SchemaServiceClient) -> None:
    first = make(schemas, PROTO, "PROTOCOL_BUFFER")
    wider = first.definition.replace("}", "int32 b = 2; }")
    second = schemas.commit_schema(
        name=first.name, schema=Schema(name=first.name, type_=first.type_, definition=wider)
    )
    third = schemas.rollback_schema(name=first.name, revision_id=first.revision_id)
    assert third.definition == PROTO
    listed = list(schemas.list_schema_revisions(request={"name": first.name, "view": "FULL"}))
    ids = [third.revision_id, second.revision_id, first.revision_id]
    assert [each.revision_id for each in listed] == ids
    named = f"{first.name}@{second.revision_id}"
    assert listed[1].name == named
    assert schemas.get_schema(name=named).definition == wider
    assert schemas.delete_schema_revision(name=named).revision_id == second.revision_id
    with pytest.raises(exceptions.NotFound, match=second.revision_id):
        schemas.get_schema(name=named)
    with pytest.raises(exceptions.InvalidArgument, match=r"M\.a = 1 is changed"):
        schemas.commit_schema(
            name=first.name,
            schema=Schema(type_=first.type_, definition=PROTO.replace("string", "int32")),
        )


@covers(SchemaServiceClient, "validate_schema", "validate_message")
def test_validation(schemas: SchemaServiceClient) -> None:
    good = Schema(type_=Schema.Type.AVRO, definition=AVRO)
    schemas.validate_schema(parent=PARENT, schema=good)
    for bad in (
        Schema(type_=Schema.Type.AVRO, definition='{"not_actually":"avro"}'),
        Schema(type_=Schema.Type.AVRO),
        Schema(definition=AVRO),
    ):
        with pytest.raises(exceptions.InvalidArgument, match="Invalid schema"):
            schemas.validate_schema(parent=PARENT, schema=bad)
    of: dict[str, Any] = {"parent": PARENT, "encoding": Encoding.JSON}
    schemas.validate_message(request=of | {"schema": good, "message": b'{"a": 1}'})
    schemas.validate_message(request=of | {"name": make(schemas).name, "message": b'{"a": 1}'})
    with pytest.raises(exceptions.InvalidArgument, match="Message failed schema") as caught:
        schemas.validate_message(request=of | {"schema": good, "message": b'{"a": "x"}'})
    [info] = caught.value.details
    assert info.reason == caught.value.reason == "INVALID_JSON_AVRO_MESSAGE"
    assert "which expected number_integer" in info.metadata["revisionInfo"]
    with pytest.raises(exceptions.InvalidArgument, match="schema_spec"):
        schemas.validate_message(request=of | {"message": b"{}"})
    with pytest.raises(exceptions.InvalidArgument, match="ENCODING_UNSPECIFIED"):
        schemas.validate_message(request=of | {"schema": good, "encoding": 0})


def test_what_is_wrong_with_a_message_over_rest(emulator: EmulatorProcess) -> None:
    url = f"http://127.0.0.1:{emulator.port}/v1/{PARENT}/schemas:validateMessage"
    message = base64.b64encode(b'{"a": null}').decode()
    schema = {"type": "AVRO", "definition": AVRO}
    body = {"schema": schema, "encoding": "JSON", "message": message}
    refused = httpx.post(url, json=body, trust_env=False)
    assert refused.status_code == 400
    [detail] = refused.json()["error"]["details"]
    assert (detail["reason"], detail["domain"]) == (
        "INVALID_JSON_AVRO_MESSAGE",
        "pubsub.googleapis.com",
    )
