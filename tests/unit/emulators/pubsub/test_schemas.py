"""The registry of schemas: revisions, ranges, and what outlives a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localgcp.pubsub.domain.config import Encoding, SchemaSettings, TopicConfig
from localgcp.pubsub.domain.names import DELETED_SCHEMA
from localgcp.pubsub.domain.schemas.definition import Language, Source
from localgcp.pubsub.domain.schemas.registry import Schemas
from localgcp.pubsub.errors import (
    AlreadyExists,
    InvalidArgument,
    InvalidMessage,
    NotFound,
    WrongState,
)
from localgcp.pubsub.wire import layout
from tests.unit.emulators.pubsub.bench import TOPIC, Bench
from tests.unit.emulators.pubsub.runs import Runs

PROJECT = "projects/demo-project"
NAME = f"{PROJECT}/schemas/order"
PREFIX = "googclient_schema"


def record(*fields: str) -> Source:
    """All fields have defaults, so that each revision may follow each."""
    declared = [f'{{"name": "{name}", "type": "int", "default": 0}}' for name in fields]
    return Source(Language.AVRO, f'{{"type":"record","name":"R","fields":[{",".join(declared)}]}}')


@pytest.fixture
def schemas(bench: Bench) -> Schemas:
    bench.broker.schemas.create(PROJECT, "order", record("a"))
    return bench.broker.schemas


def test_a_name_means_the_newest_and_with_an_id_that_one(schemas: Schemas) -> None:
    first = schemas.get(NAME)
    second = schemas.commit(NAME, record("a", "b"))
    third = schemas.roll_back(NAME, first.id)
    assert third.source == first.source
    assert [each.id for each in (schemas.get(NAME), schemas.get(second.name))] == [
        third.id,
        second.id,
    ]
    assert schemas.revisions(NAME, 2, "") == ([third, second], second.id)
    assert schemas.revisions(NAME, 2, second.id) == ([first], "")
    assert schemas.page(PROJECT, 0, "") == ([third], "")
    with pytest.raises(InvalidArgument, match="page_token: never"):
        schemas.revisions(NAME, 2, "never")


def test_what_there_is_not(schemas: Schemas) -> None:
    with pytest.raises(NotFound, match="order@12345678"):
        schemas.get(f"{NAME}@12345678")
    with pytest.raises(NotFound, match="resource=none"):
        schemas.get(f"{PROJECT}/schemas/none@1")
    with pytest.raises(NotFound, match="resource=none"):
        schemas.delete_revision(f"{PROJECT}/schemas/none@1")
    with pytest.raises(InvalidArgument, match=r"schemas.* name"):
        schemas.get("order")


def test_what_cannot_be_made(schemas: Schemas) -> None:
    with pytest.raises(AlreadyExists, match="order"):
        schemas.create(PROJECT, "order", record("a"))
    with pytest.raises(InvalidArgument, match=r"name=.*/schemas/1"):
        schemas.create(PROJECT, "1", record("a"))
    with pytest.raises(InvalidArgument, match="is AVRO, and can't become PROTOCOL_BUFFER"):
        schemas.commit(NAME, Source(Language.PROTOCOL_BUFFER, "message M {}"))
    with pytest.raises(InvalidArgument, match=r"incompatible with revision .*: int can't read R"):
        schemas.commit(NAME, Source(Language.AVRO, '"int"'))


def test_a_schema_has_20_revisions_at_most_and_one_at_least(schemas: Schemas) -> None:
    made = [schemas.commit(NAME, record("a")) for _ in range(19)]
    with pytest.raises(WrongState, match="20 revisions"):
        schemas.commit(NAME, record("a"))
    schemas.delete_revision(schemas.revisions(NAME, 0, "")[0][-1].name)
    for each in made[:-1]:
        assert schemas.delete_revision(each.name) == each
    with pytest.raises(WrongState, match="only revision"):
        schemas.delete_revision(made[-1].name)
    with pytest.raises(InvalidArgument, match="ends in @REVISION"):
        schemas.delete_revision(NAME)


def test_a_message_is_held_against_the_range_from_its_newest(schemas: Schemas) -> None:
    first = schemas.get(NAME)
    second, third = schemas.commit(NAME, record("a", "b")), schemas.commit(NAME, record("a", "c"))

    def id_of(data: bytes, first_id: str = "", last_id: str = "") -> str:
        settings = SchemaSettings(NAME, Encoding.JSON, first_id, last_id)
        [added] = schemas.attributes(settings, [data])
        assert added["googclient_schemaname"] == NAME
        assert added["googclient_schemaencoding"] == "JSON"
        return added["googclient_schemarevisionid"]

    assert id_of(b'{"a": 1}') == first.id
    assert id_of(b'{"a": 1, "b": 2}') == second.id
    assert id_of(b'{"a": 1, "b": 2}', second.id, second.id) == second.id
    wrong = f"{NAME}, last checked revision: revision_id={second.id} failed with status: The field"
    with pytest.raises(InvalidMessage) as caught:
        id_of(b'{"a": 1}', second.id)
    assert str(caught.value) == "Invalid data in message: Message failed schema validation."
    assert caught.value.reason == "INVALID_JSON_AVRO_MESSAGE"
    assert wrong in caught.value.metadata["revisionInfo"]
    schemas.delete_revision(second.name)  # its neighbour in the range takes its place
    assert id_of(b'{"a": 1, "c": 2}', second.id) == third.id
    assert id_of(b'{"a": 1}', "", second.id) == first.id


def test_settings_that_allow_nothing(schemas: Schemas) -> None:
    first = schemas.get(NAME)
    second = schemas.commit(NAME, record("a"))
    schemas.check_settings(SchemaSettings(NAME, Encoding.JSON, first.id, second.id))
    with pytest.raises(InvalidArgument, match="allow no revision"):
        schemas.check_settings(SchemaSettings(NAME, Encoding.JSON, second.id, first.id))
    with pytest.raises(NotFound, match="order@12345678"):
        schemas.check_settings(SchemaSettings(NAME, Encoding.JSON, "12345678"))
    with pytest.raises(NotFound, match="none"):
        schemas.check_settings(SchemaSettings(f"{PROJECT}/schemas/none", Encoding.JSON))


def test_a_message_against_a_definition(schemas: Schemas) -> None:
    schemas.validate(record("a"), b"\x02", Encoding.BINARY)
    with pytest.raises(InvalidMessage, match="Invalid schema message") as caught:
        schemas.validate(record("a"), b"", Encoding.BINARY)
    assert caught.value.reason == "INVALID_BINARY_AVRO_MESSAGE"


def test_a_topic_holds_what_is_published_against_its_schema(bench: Bench) -> None:
    made = bench.broker.schemas.create(PROJECT, "order", record("a"))
    settings = SchemaSettings(NAME, Encoding.JSON)
    with pytest.raises(NotFound, match="none"):
        missing = replace(settings, schema=f"{PROJECT}/schemas/none")
        bench.broker.create_topic(TopicConfig(TOPIC + "-2", schema_settings=missing))
    bench.broker.update_topic(TopicConfig(TOPIC, schema_settings=settings))
    subscription = bench.subscribe(filter=f'attributes.{PREFIX}revisionid = "{made.id}"')
    with pytest.raises(InvalidMessage, match="Invalid data in message"):
        bench.publish('{"a": 1}', '{"a": "x"}')
    bench.publish('{"a": 1}', own="kept")
    [message] = subscription.unacked
    assert layout.attributes(message.wire) == {
        "own": "kept",
        f"{PREFIX}name": NAME,
        f"{PREFIX}encoding": "JSON",
        f"{PREFIX}revisionid": made.id,
    }
    bench.broker.delete_schema(NAME)
    kept = bench.broker.topic(TOPIC).config.schema_settings
    assert kept == SchemaSettings(DELETED_SCHEMA, Encoding.JSON)
    bench.broker.schemas.create(PROJECT, "order", record("a"))
    with pytest.raises(WrongState, match="schema was deleted"):
        bench.publish('{"a": 1}')
    bench.broker.update_topic(TopicConfig(TOPIC, labels={"a": "b"}, schema_settings=kept))


@pytest.mark.parametrize("compact", [False, True])
def test_all_of_it_is_there_after_a_restart(tmp_path: Path, compact: bool) -> None:
    runs = Runs(tmp_path)
    schemas = runs.broker.schemas
    first = schemas.create(PROJECT, "order", record("a"))
    second = schemas.commit(NAME, record("a", "b"))
    compiled = Source(Language.PROTOCOL_BUFFER, 'syntax = "proto3"; message M {}')
    other = schemas.create(PROJECT, "other", compiled)
    gone = f"{PROJECT}/schemas/gone"
    schemas.create(PROJECT, "gone", record("a"))
    settings = SchemaSettings(gone, Encoding.BINARY)
    runs.broker.create_topic(TopicConfig(TOPIC, schema_settings=settings))
    runs.broker.delete_schema(gone)
    schemas.delete_revision(first.name)
    broker = runs.again(compact)
    assert broker.topic(TOPIC).config.schema_settings == replace(settings, schema=DELETED_SCHEMA)
    restarted = broker.schemas
    assert restarted.page(PROJECT, 0, "")[0] == [second, other]
    assert restarted.revisions(NAME, 0, "")[0] == [second]
    restarted.check_settings(SchemaSettings(NAME, Encoding.JSON, first.id))
