"""What becomes of published messages before they are kept, by their topic's settings.

Pages "Single message transforms (SMTs) overview" and "Schema overview": transforms come first, and
what they make is held against the schema.
"""

from __future__ import annotations

from collections.abc import Sequence

from localgcp.pubsub.domain import message
from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.domain.message import Draft, Layout
from localgcp.pubsub.domain.schemas.registry import Schemas
from localgcp.pubsub.domain.transforms import Chain, Content


def prepared(
    topic: TopicConfig, drafts: Sequence[Draft], schemas: Schemas, layout: Layout
) -> Sequence[Draft | None]:
    """The messages as they are to be kept, and None for each that a transform drops.

    Raises InvalidArgument, InvalidMessage, TransformFailed, WrongState.
    """
    made: Sequence[Draft | None] = drafts
    if chain := Chain(topic.message_transforms):
        made = [_transformed(chain, draft, layout) for draft in drafts]
        if kept := [draft for draft in made if draft is not None]:
            message.check(kept, layout)
    settings = topic.schema_settings
    if settings is None:
        return made
    data = [layout.data(draft.body) for draft in made if draft is not None]
    added = iter(schemas.attributes(settings, data))
    return [draft and _with_attributes(draft, next(added), layout) for draft in made]


def _transformed(chain: Chain, draft: Draft, layout: Layout) -> Draft | None:
    data, attributes = layout.data(draft.body), layout.attributes(draft.body)
    content = Content(data, attributes, ordering_key=draft.ordering_key)
    changed = chain(content)
    if changed is None:
        return None
    return layout.lay_out(changed.data, changed.attributes, draft.ordering_key)


def _with_attributes(draft: Draft, added: dict[str, str], layout: Layout) -> Draft:
    attributes = {**layout.attributes(draft.body), **added}
    return layout.lay_out(layout.data(draft.body), attributes, draft.ordering_key)
