"""All schemas of an emulator: made, revised, deleted, and messages held against them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from localgcp.pubsub.domain.config import SchemaSettings
from localgcp.pubsub.domain.keeping import Keeper
from localgcp.pubsub.domain.names import check_project, check_schema, page_of, short
from localgcp.pubsub.domain.names import page as names_page
from localgcp.pubsub.domain.schemas import definition
from localgcp.pubsub.domain.schemas.definition import Encoding, Language, Source
from localgcp.pubsub.domain.schemas.schema import MAX_REVISIONS, Revision, Schema
from localgcp.pubsub.errors import (
    AlreadyExists,
    InvalidArgument,
    InvalidMessage,
    Mismatch,
    NotFound,
    WrongState,
)

MAX_SCHEMAS = 10_000
_REASONS = {
    (Language.AVRO, Encoding.JSON): "INVALID_JSON_AVRO_MESSAGE",
    (Language.AVRO, Encoding.BINARY): "INVALID_BINARY_AVRO_MESSAGE",
    (Language.PROTOCOL_BUFFER, Encoding.JSON): "INVALID_JSON_PROTO_MESSAGE",
    (Language.PROTOCOL_BUFFER, Encoding.BINARY): "INVALID_BINARY_PROTO_MESSAGE",
}


class Schemas:
    """The registry. `clock` gives seconds since the epoch; `keeper` is told of every change."""

    def __init__(self, clock: Callable[[], float], keeper: Keeper) -> None:
        self._clock, self._keeper = clock, keeper
        self.by_name: dict[str, Schema] = {}

    # What there is

    def get(self, name: str) -> Revision:
        """The revision that `projects/P/schemas/S[@R]` means; without @R the newest.

        Raises NotFound, InvalidArgument.
        """
        bare, _, id = name.partition("@")
        schema = self._schema(bare)
        return schema.revision(id) if "@" in name else schema.newest

    def page(self, project: str, size: int, token: str) -> tuple[list[Revision], str]:
        """One page of a project's schemas, by name, and the next one's token.

        Raises InvalidArgument.
        """
        prefix = check_project(project) + "/"
        names = [name for name in self.by_name if name.startswith(prefix)]
        listed, next_token = names_page(names, size, token)
        return [self.by_name[name].newest for name in listed], next_token

    def revisions(self, name: str, size: int, token: str) -> tuple[list[Revision], str]:
        """One page of a schema's revisions, newest first. Raises NotFound, InvalidArgument."""
        revisions = self._schema(name).revisions[::-1]
        return page_of(revisions, size, token, lambda revision: revision.id)

    # What is made of them

    def create(self, project: str, id: str, source: Source) -> Revision:
        """Make a schema of one revision. Raises AlreadyExists, InvalidArgument, WrongState."""
        name = check_schema(f"{check_project(project)}/schemas/{id}")
        if name in self.by_name:
            raise AlreadyExists(short(name))
        if len(self.by_name) >= MAX_SCHEMAS:
            raise WrongState(f"There are {MAX_SCHEMAS} schemas, the most that there can be.")
        definition.compile(source)
        return self._add(name, source)

    def commit(self, name: str, source: Source) -> Revision:
        """Add a revision. Raises NotFound, InvalidArgument, WrongState."""
        newest = self._schema(name).newest
        if source.language is not newest.source.language:
            raise InvalidArgument(
                f"The schema is {newest.source.language.name}, and can't become "
                f"{source.language.name} (resource={short(name)})."
            )
        try:
            definition.compile(newest.source).check_successor(definition.compile(source))
        except Mismatch as error:
            raise InvalidArgument(
                f"The new revision is incompatible with revision {newest.id}: {error}"
            ) from error
        return self._add(name, source)

    def roll_back(self, name: str, id: str) -> Revision:
        """Add a revision like an older one. Raises NotFound, InvalidArgument, WrongState."""
        return self._add(name, self._schema(name).revision(id).source)

    def delete_revision(self, name: str) -> Revision:
        """Delete `projects/P/schemas/S@R`; return what was deleted.

        Raises NotFound, InvalidArgument, WrongState.
        """
        schema, _, id = name.partition("@")
        if not id:
            raise InvalidArgument(f"The name has no revision: (name={name}); it ends in @REVISION.")
        deleted = self._schema(schema).revision(id)
        if len(self.by_name[schema].revisions) == 1:
            raise WrongState(
                f"The only revision of a schema can't be deleted; delete the schema "
                f"(resource={short(name)})."
            )
        self._keeper.drop_revision(schema, id, deleted.created)
        self.drop_revision(schema, id, deleted.created)
        return deleted

    def check_exists(self, name: str) -> None:
        """Look for a schema. Raises NotFound, InvalidArgument."""
        self._schema(name)

    # Messages

    def check_settings(self, settings: SchemaSettings) -> None:
        """Whether a topic may have these. Raises NotFound, InvalidArgument."""
        schema = self._schema(settings.schema)
        for id in (settings.first_revision_id, settings.last_revision_id):
            if id and not schema.knows(id):
                raise NotFound(f"{short(schema.name)}@{id}")
        if not schema.between(settings.first_revision_id, settings.last_revision_id):
            raise InvalidArgument(
                f"The schema settings allow no revision: first_revision_id="
                f"{settings.first_revision_id} was made after last_revision_id="
                f"{settings.last_revision_id}."
            )

    def attributes(
        self, settings: SchemaSettings, messages: Sequence[bytes]
    ) -> list[dict[str, str]]:
        """Hold the data of messages against a topic's schema; return what to add to each.

        The revisions allowed are tried from the newest on. Raises InvalidMessage, WrongState.
        """
        schema = self.by_name.get(settings.schema)
        revisions = schema and schema.between(settings.first_revision_id, settings.last_revision_id)
        if schema is None or not revisions:
            raise WrongState(f"The topic's schema was deleted (resource={short(settings.schema)}).")
        return [
            {
                "googclient_schemaname": schema.name,
                "googclient_schemaencoding": settings.encoding.name,
                "googclient_schemarevisionid": _matching(revisions, data, settings.encoding),
            }
            for data in messages
        ]

    def validate_definition(self, source: Source) -> None:
        """Read a definition and keep nothing. Raises InvalidArgument."""
        definition.compile(source)

    def validate(self, source: Source, data: bytes, encoding: Encoding) -> None:
        """Hold one message against a definition. Raises InvalidArgument, InvalidMessage."""
        try:
            definition.compile(source).check(data, encoding)
        except Mismatch as error:
            reason = _REASONS[source.language, encoding]
            raise InvalidMessage(reason, str(error), "Invalid schema message") from error

    # What an earlier run's changes replay into

    def put_revision(self, revision: Revision) -> None:
        """Add a revision, and its schema with the first one."""
        self.by_name.setdefault(revision.schema, Schema(revision.schema)).revisions.append(revision)

    def drop_revision(self, schema: str, id: str, created: float) -> None:
        """Delete a revision, if it is still there, and keep when it was made."""
        held = self.by_name[schema]
        held.revisions = [revision for revision in held.revisions if revision.id != id]
        held.gone[id] = created

    def drop_schema(self, name: str) -> None:
        """Delete a schema that exists."""
        del self.by_name[name]

    def _schema(self, name: str) -> Schema:
        found = self.by_name.get(name)
        if found is None:
            raise NotFound(short(check_schema(name)))
        return found

    def _add(self, name: str, source: Source) -> Revision:
        schema = self.by_name.get(name)
        created = self._clock()
        if schema is not None:
            if len(schema.revisions) >= MAX_REVISIONS:
                raise WrongState(
                    f"The schema has {MAX_REVISIONS} revisions, the most that it can have; delete "
                    f"one first (resource={short(name)})."
                )
            # Their order is that of their times, so no two have the same.
            created = max(created, schema.newest.created + 1e-6)
        revision = Revision(name, secrets.token_hex(4), source, created)
        self._keeper.put_revision(revision)
        self.put_revision(revision)
        return revision


def _matching(revisions: Sequence[Revision], data: bytes, encoding: Encoding) -> str:
    """The id of the first revision that `data` is a message of. Raises InvalidMessage."""
    for revision in revisions:
        try:
            definition.compile(revision.source).check(data, encoding)
        except Mismatch as error:
            last, why = revision, error
        else:
            return revision.id
    raise InvalidMessage(
        _REASONS[last.source.language, encoding],
        f"Could not validate message with any schema revision for schema: {last.schema}, "
        f"last checked revision: revision_id={last.id} failed with status: {why}",
        "Invalid data in message",
    )
