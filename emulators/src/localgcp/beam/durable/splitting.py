"""Bundles of one element; those of splittable DoFns put off what is left, and a drain cuts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from localgcp.beam.durable.nodes import StageNode
from localgcp.beam.durable.tasks import Task


def single_elements(task: Task) -> Iterator[Task]:
    """A bundle for each element."""
    coder = _coder(task)
    for piece in task.pieces:
        for element in coder.decode_all(piece):
            yield Task(task.node, task.transform, [coder.encode_nested(element)], task.hold)


def residual_tasks(
    task: Task, node: StageNode, residuals: Iterable[Any], now: float
) -> Iterator[Task]:
    """Bundles of what a bundle left, each after the pause that it asked for."""
    for residual in residuals:
        application = residual.application
        marks = [_micros(mark) for mark in application.output_watermarks.values()]
        hold = max(task.hold, min(marks, default=task.hold))
        left = Task(node, task.transform, [application.element], hold)
        left.not_before = now + _micros(residual.requested_time_delay) / 1e6
        yield left


def truncated(task: Task) -> bool:
    """Cut an element short by its restriction's own rule; False if nothing of it is left."""
    node = task.node
    if not isinstance(node, StageNode) or node.stage.splittable is None:
        return True
    coder = _coder(task)
    (element,) = coder.decode_all(task.pieces[0])
    (value, (restriction, estimate)), size = element.value
    left = node.stage.splittable.provider.truncate(value, restriction)
    if left is None:
        return False
    task.pieces = [coder.encode_nested(element.with_value(((value, (left, estimate)), size)))]
    return True


def _coder(task: Task) -> Any:
    return task.node.stage.coders[task.transform] if isinstance(task.node, StageNode) else None


def _micros(proto: Any) -> int:
    """Microseconds of a Timestamp or Duration protobuf."""
    return int(proto.seconds * 1_000_000 + proto.nanos // 1000)
