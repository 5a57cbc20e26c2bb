"""A schema: its name, and its revisions in the order they were made (API reference: Schema)."""

from __future__ import annotations

from dataclasses import dataclass, field

from localgcp.pubsub.domain.names import short
from localgcp.pubsub.domain.schemas.definition import Source
from localgcp.pubsub.errors import NotFound

MAX_REVISIONS = 20


@dataclass(frozen=True)
class Revision:
    """One revision. `created` is in seconds since the epoch, `id` has 8 hexadecimal digits."""

    schema: str
    id: str
    source: Source
    created: float

    @property
    def name(self) -> str:
        """The name that means this revision and no other."""
        return f"{self.schema}@{self.id}"


@dataclass
class Schema:
    """One schema; `revisions` has at least one, the newest last.

    `gone` keeps when a deleted revision was made, since a topic's range may end at it.
    """

    name: str
    revisions: list[Revision] = field(default_factory=list)
    gone: dict[str, float] = field(default_factory=dict)

    @property
    def newest(self) -> Revision:
        """What the schema's own name means."""
        return self.revisions[-1]

    def revision(self, id: str) -> Revision:
        """The revision of that id. Raises NotFound."""
        for each in self.revisions:
            if each.id == id:
                return each
        raise NotFound(f"{short(self.name)}@{id}")

    def between(self, first: str, last: str) -> list[Revision]:
        """The revisions from `first` to `last`, newest first; "" means no end on that side.

        Where an end was deleted, its neighbour inside the range takes its place (page "Delete a
        schema revision").
        """
        start, end = self._made(first, float("-inf")), self._made(last, float("inf"))
        return [each for each in reversed(self.revisions) if start <= each.created <= end]

    def knows(self, id: str) -> bool:
        """Whether it has or had the revision."""
        return id in self.gone or any(each.id == id for each in self.revisions)

    def _made(self, id: str, without: float) -> float:
        if not id:
            return without
        return self.gone[id] if id in self.gone else self.revision(id).created
