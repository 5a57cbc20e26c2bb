from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import SchemaServiceClient

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.surface.introspect import covers
from tests.surface.pubsub.refusals import refused

PARENT = f"projects/{PROJECT}"
NAME = f"{PARENT}/schemas/order"


@pytest.fixture
def schemas(clients: Clients) -> Iterator[SchemaServiceClient]:
    with SchemaServiceClient() as client:
        yield client


@covers(SchemaServiceClient, "list_schemas")
def test_a_list_of_none_is_empty(schemas: SchemaServiceClient) -> None:
    assert list(schemas.list_schemas(parent=PARENT)) == []
    with pytest.raises(exceptions.InvalidArgument, match="somewhere"):
        schemas.list_schemas(parent="somewhere")


@covers(SchemaServiceClient, "create_schema", "get_schema", "delete_schema")
@covers(SchemaServiceClient, "list_schema_revisions", "commit_schema", "rollback_schema")
@covers(SchemaServiceClient, "delete_schema_revision", "validate_schema", "validate_message")
def test_schemas_are_refused(schemas: SchemaServiceClient) -> None:
    schema: Any = {"name": NAME, "type_": "AVRO", "definition": "{}"}
    with refused("SchemaService/CreateSchema"):
        schemas.create_schema(parent=PARENT, schema=schema, schema_id="order")
    with refused("SchemaService/GetSchema"):
        schemas.get_schema(name=NAME)
    with refused("SchemaService/DeleteSchema"):
        schemas.delete_schema(name=NAME)
    with refused("SchemaService/ListSchemaRevisions"):
        schemas.list_schema_revisions(name=NAME)
    with refused("SchemaService/CommitSchema"):
        schemas.commit_schema(name=NAME, schema=schema)
    with refused("SchemaService/RollbackSchema"):
        schemas.rollback_schema(name=NAME, revision_id="1")
    with refused("SchemaService/DeleteSchemaRevision"):
        schemas.delete_schema_revision(name=f"{NAME}@1")
    with refused("SchemaService/ValidateSchema"):
        schemas.validate_schema(parent=PARENT, schema=schema)
    with refused("SchemaService/ValidateMessage"):
        schemas.validate_message(request={"parent": PARENT, "name": NAME, "message": b"{}"})
