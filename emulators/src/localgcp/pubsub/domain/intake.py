"""What becomes of published messages before they are kept, by their topic's settings."""

from __future__ import annotations

from collections.abc import Sequence

from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.domain.message import Draft, Layout
from localgcp.pubsub.domain.schemas.registry import Schemas


def prepared(
    topic: TopicConfig, drafts: Sequence[Draft], schemas: Schemas, layout: Layout
) -> Sequence[Draft]:
    """The messages as they are to be kept; held against the topic's schema, and told so.

    Raises InvalidMessage, WrongState.
    """
    settings = topic.schema_settings
    if settings is None:
        return drafts
    added = schemas.attributes(settings, [draft.data for draft in drafts])
    return [
        layout.lay_out(draft.data, {**draft.attributes, **its}, draft.ordering_key)
        for draft, its in zip(drafts, added, strict=True)
    ]
