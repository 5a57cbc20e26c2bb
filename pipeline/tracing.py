"""3 · What the job does with an event, as spans under the trace that its message bears.

On Dataflow the service pulls and acks, and tells nobody; there a trace ends with row and file. The
local runner tells of both. Nothing here runs unless `graph.Config.exporting` is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from event_types.dead_letter import DEAD_LETTER_TABLE
from pipeline.insertion import Fault, Sender
from pipeline.record import Message, Row
from telemetry import (
    CLIENT,
    CONSUMER,
    Attributes,
    Exporting,
    about,
    now,
    recorder,
    title,
    trace_of,
    traceparent,
    unwanted,
)

NANOS = 1_000_000_000
# A line of the graph that is no record, but the trace of one: no JSON begins so.
MARK = b"\0"


class Processing:
    """Follows a message from its arrival in a step until its row, or its dead letter, is known."""

    def __init__(self, to: Exporting, subscription: str) -> None:
        self._recorder = recorder(to)
        self._title, self._about = title("process", subscription), about("process", subscription)

    def begin(self, message: Message) -> Any:
        """The span of a message, whose later steps come under it; None if nobody records it."""
        parent = trace_of(message.attributes)
        if unwanted(parent):
            return None
        said: Attributes = {
            **self._about,
            "pipeline.event_id": message.event_id,
            "messaging.message.body.size": len(message.data),
        }
        span = self._recorder.start(self._title, CONSUMER, said, parent)
        message.trace = traceparent(span) if span.is_recording() else ""
        return span

    def end(self, span: Any, row: Row) -> None:
        """Say what became of the message."""
        if span is None:
            return
        span.set_attribute("pipeline.table", row.table)
        if row.table == DEAD_LETTER_TABLE.name:
            self._recorder.fail(span, row.values["reason"], row.values["detail"])
        span.end()


class TracedSender:
    """A way of rows into tables, with a span for each row that is traced."""

    def __init__(self, sender: Sender, to: Exporting, dataset: str) -> None:
        self._sender, self._recorder, self._dataset = sender, recorder(to), dataset

    def send(self, table: str, rows: list[Row]) -> list[Fault]:
        """As the sender's."""
        began = now()
        try:
            faults = self._sender.send(table, rows)
        except Exception as error:
            self._tell(table, rows, began, {id(row): type(error).__name__ for row in rows})
            raise
        self._tell(table, rows, began, {id(fault.row): fault.detail for fault in faults})
        return faults

    def _tell(self, table: str, rows: list[Row], began: int, wrong: dict[int, str]) -> None:
        said: Attributes = {
            "db.system.name": "gcp.bigquery",
            "db.namespace": self._dataset,
            "db.collection.name": table,
            "db.operation.name": "insert",
            "db.operation.batch.size": len(rows),
        }
        for row in rows:
            if not (parent := row.message.trace):
                continue
            span = self._recorder.start(f"insert {table}", CLIENT, said, parent, began)
            if id(row) in wrong:
                self._recorder.fail(span, "not_inserted", wrong[id(row)])
            span.end()


def marked(message: Message) -> list[bytes]:
    """What stands beside a line, so that its file is told of under its trace."""
    return [MARK + message.trace.encode()] if message.trace else []


def unmarked(chunks: Iterable[list[bytes]]) -> tuple[list[list[bytes]], list[str]]:
    """The lines of chunks, and the traces that stood beside them."""
    lines, traces = [], []
    for chunk in chunks:
        traces += [each[len(MARK) :].decode() for each in chunk if each.startswith(MARK)]
        lines.append([each for each in chunk if not each.startswith(MARK)])
    return lines, traces


def written(to: Exporting, bucket: str, names: list[str], traces: list[str], began: int) -> None:
    """Tell of the objects that hold the lines of these traces."""
    said: Attributes = {"gcp.storage.bucket": bucket, "gcp.storage.object": " ".join(names)}
    for parent in traces:
        recorder(to).start(f"write {bucket}", CLIENT, said, parent, began).end()


class PullsAndAcks:
    """What the local runner tells, as spans beside the step's (`localgcp.beam.watching.Watch`)."""

    def __init__(self, to: Exporting) -> None:
        self._recorder = recorder(to)
        self._lock = Lock()
        self._traces: dict[str, str] = {}
        """By ack id, of what is not acked yet."""

    def received(self, subscription: str, messages: Sequence[Any], began: int) -> None:
        """One span a traced message: from when it could be waited for until it was here."""
        name, said = title("receive", subscription), about("receive", subscription)
        for one in messages:
            message = one.message
            parent = trace_of(message.attributes)
            if not parent or unwanted(parent):
                continue
            published = message.publish_time.seconds * NANOS + message.publish_time.nanos
            own: Attributes = {
                **said,
                "messaging.message.id": message.message_id,
                "messaging.batch.message_count": len(messages),
            }
            span = self._recorder.start(name, CONSUMER, own, parent, max(began, published))
            span.end()
            if span.get_span_context().trace_flags.sampled:
                with self._lock:
                    self._traces[one.ack_id] = parent

    def acked(self, subscription: str, ack_ids: Sequence[str], began: int) -> None:
        """One span a traced message: the end of its way."""
        with self._lock:
            parents = [self._traces.pop(each, "") for each in ack_ids]
        said: Attributes = {
            **about("ack", subscription),
            "messaging.batch.message_count": len(ack_ids),
        }
        for parent in filter(None, parents):
            self._recorder.start(title("ack", subscription), CLIENT, said, parent, began).end()
