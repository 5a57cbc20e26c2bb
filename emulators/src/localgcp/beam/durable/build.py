"""Puts the durable engine together for one pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import GoogleCloudOptions

from localgcp.beam.durable.beam_parts import PubSubSource, RealClock, TestClock
from localgcp.beam.durable.engine import DurableEngine
from localgcp.beam.durable.messages import FasterMessages
from localgcp.beam.durable.nodes import Graph
from localgcp.beam.durable.plan import Plan
from localgcp.beam.durable.sources import Impulse, Source, Stream, Subscription
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.translate import translate
from localgcp.beam.errors import StateOfAnother
from localgcp.beam.options import LocalRunnerOptions, state_folder
from localgcp.beam.source import Connect


def build(
    pipeline: Any, options: Any, connect: Connect, monotonic: Callable[[], float]
) -> DurableEngine:
    """An engine that has taken up what an earlier run of the job left.

    Raises SubscriptionUnusable, StoreBusy, StoreUnusable, StateOfAnother.
    """
    pipeline.replace_all([FasterMessages()])
    planned = translate(pipeline, options)
    local = options.view_as(LocalRunnerOptions)
    path = _path(planned, local, options.view_as(GoogleCloudOptions).job_name)
    store = Store(path)
    fingerprint = planned.fingerprint().encode()
    known = store.loaded("graph").get(b"")
    if known is not None and known != fingerprint:
        store.close()
        raise StateOfAnother(str(path))
    store.put("graph", b"", lambda: fingerprint)
    streams = any(root.kind == "stream" for root in planned.roots.values())
    clock = TestClock() if streams else RealClock()
    sources = _sources(planned, options, connect, clock)
    graph = Graph(planned, store, clock, sources)
    engine = DurableEngine(
        graph,
        sources,
        store,
        clock,
        local.drain_timeout_seconds,
        monotonic,
        local.bounded_attempts,
    )
    engine.restore()
    return engine


def _path(planned: Plan, local: Any, job: str | None) -> Path | None:
    """Where the job's state is kept; None for a bounded one that names no folder."""
    read = sorted(
        (root.payload.subscription or root.payload.topic).rpartition("/")[2]
        for root in planned.roots.values()
        if root.kind == "pubsub"
    )
    if not read and local.state_dir is None:
        return None
    name = re.sub(r"[^A-Za-z0-9._-]", "_", job or "+".join(read) or "job")
    return state_folder(local) / f"{name}.sqlite"


def _sources(planned: Plan, options: Any, connect: Connect, clock: Any) -> list[Source]:
    coders = {
        name: stage.coders[name]
        for stage in planned.stages
        for name in stage.inputs
        if name in planned.roots
    }
    found: list[Source] = []
    streams: dict[str, list[Any]] = {}
    for name, root in planned.roots.items():
        if root.kind == "impulse":
            found.append(Impulse(root, coders[name]))
        elif root.kind == "stream":
            streams.setdefault(root.stream, []).append(root)
        else:
            reader = connect(name, _source(root.payload), options)
            found.append(Subscription(root, coders[name], reader))
    found += [Stream(roots, coders, clock) for roots in streams.values()]
    return found


def _source(payload: Any) -> Any:
    return PubSubSource(
        topic=payload.topic or None,
        subscription=payload.subscription or None,
        id_label=payload.id_attribute or None,
        with_attributes=payload.with_attributes,
        timestamp_attribute=payload.timestamp_attribute or None,
    )
