"""What can't be carried without loss is refused before the first message is pulled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apache_beam.runners.direct.direct_runner import (
    _DirectReadFromPubSub,
    _GroupByKeyOnly,
    _StreamingGroupAlsoByWindow,
    _StreamingGroupByKeyOnly,
)
from apache_beam.runners.direct.sdf_direct_runner import ProcessElements
from apache_beam.transforms.core import ParDo
from apache_beam.transforms.trigger import AccumulationMode
from apache_beam.transforms.userstate import is_stateful_dofn

from localgcp.beam.errors import UnsupportedTransform


def check(visitor: Any) -> None:
    """Raise UnsupportedTransform for the first step that Pub/Sub's messages may not reach."""
    side_inputs = {view.pvalue for view in visitor.views}
    for step in _downstream_of_pubsub(visitor):
        why = _why_not(step)
        if why is None and any(output in side_inputs for output in step.outputs.values()):
            why = "its output is a side input, which never ends for an unbounded source"
        if why is not None:
            raise UnsupportedTransform(step.full_label, why)


def _downstream_of_pubsub(visitor: Any) -> Iterator[Any]:
    seen: set[Any] = set()
    stack = [r for r in visitor.root_transforms if isinstance(r.transform, _DirectReadFromPubSub)]
    while stack:
        step = stack.pop()
        if step in seen:
            continue
        seen.add(step)
        yield step
        for output in step.outputs.values():
            stack.extend(visitor.value_to_consumers.get(output, ()))


def _why_not(step: Any) -> str | None:
    transform = step.transform
    if isinstance(transform, ProcessElements):
        return "a splittable DoFn keeps its restriction in this process only"
    if isinstance(transform, _StreamingGroupAlsoByWindow):
        if transform.windowing.accumulation_mode != AccumulationMode.DISCARDING:
            return "accumulation_mode should be DISCARDING; panes of acked data can't be rebuilt"
    elif isinstance(transform, _GroupByKeyOnly) and not isinstance(
        transform, _StreamingGroupByKeyOnly
    ):
        return "it groups as a batch; pass --streaming"
    elif isinstance(transform, ParDo) and is_stateful_dofn(transform.dofn):
        return "a DoFn with state or timers keeps data in this process only"
    return None
