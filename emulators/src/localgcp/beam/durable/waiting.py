"""Bundles that wait for side inputs: elements go as soon as what they read may be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localgcp.beam.durable.nodes import StageNode
from localgcp.beam.durable.tasks import Task


def divided(task: Task) -> tuple[Task, Task]:
    """The part that may go and the part that waits; `task` itself where it is not divided.

    (task, task) is never returned: of a bundle that goes whole the second is another, empty one.
    """
    node = task.node
    if not isinstance(node, StageNode):
        return task, _part(task)
    if task.timers:
        return _of_timers(task, [each for each in task.timers if node.is_ready(each.windows)])
    coder = node.stage.coders[task.transform]
    known: dict[Any, bool] = {}
    goes: list[Any] = []
    waits: list[Any] = []
    for piece in task.pieces:
        for element in coder.decode_all(piece):
            ready = all(_known(node, window, known) for window in element.windows)
            (goes if ready else waits).append(element)
    if not waits:
        return task, _part(task)
    if not goes:
        return _part(task), task
    return _part(task, _encoded(coder, goes)), _part(task, _encoded(coder, waits))


def _known(node: StageNode, window: Any, known: dict[Any, bool]) -> bool:
    ready = known.get(window)
    if ready is None:
        ready = known[window] = node.is_ready([window])
    return ready


def _of_timers(task: Task, goes: list[Any]) -> tuple[Task, Task]:
    if len(goes) == len(task.timers):
        return task, _part(task)
    if not goes:
        return _part(task), task
    ready, waiting = _part(task), _part(task)
    ready.timers = goes
    waiting.timers = [each for each in task.timers if each not in goes]
    return ready, waiting


def _part(task: Task, pieces: list[bytes] | None = None) -> Task:
    return Task(task.node, task.transform, pieces or [], task.hold)


def _encoded(coder: Any, elements: Iterable[Any]) -> list[bytes]:
    return [coder.encode_nested(element) for element in elements]
