"""One event's way as spans of OpenTelemetry, from its publisher to its ack, over all processes.

Off, and nothing of OpenTelemetry imported, unless settings.py finds an endpoint. A message bears
its trace as the attribute `traceparent` (W3C, "Trace Context"). Spans and attributes are named as
in OpenTelemetry's "Semantic conventions for Google Cloud Pub/Sub" and "... for database calls";
what these have no name for begins with `pipeline.` or `gcp.storage.`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span

TRACEPARENT = "traceparent"
TRACEPARENT_LENGTH = len("00-") + 32 + len("-") + 16 + len("-01")
# What Google's own client calls it, where a publisher has set enable_open_telemetry_tracing.
CLIENTS_TRACEPARENT = "googclient_traceparent"
# Google's own receiver, the only one that wants to know a service account.
GOOGLE = "telemetry.googleapis.com"
APPEND = "https://www.googleapis.com/auth/trace.append"
PRODUCER, CONSUMER, CLIENT, INTERNAL = "PRODUCER", "CONSUMER", "CLIENT", "INTERNAL"
# By the name of an operation, its type in OpenTelemetry's words.
TYPES = {"send": "send", "receive": "receive", "process": "process", "ack": "settle"}

Attributes = Mapping[str, str | int]


@dataclass(frozen=True)
class Exporting:
    """Where the spans of one part go, in plain values that travel to any worker."""

    endpoint: str
    """The URL that takes an ExportTraceServiceRequest."""
    service: str
    environment: str
    project_id: str

    @classmethod
    def of(cls, here: settings.Settings, service: str) -> Exporting | None:
        """Where the spans of the part called `service` go; None where none are asked for."""
        if here.traces_endpoint is None:
            return None
        return cls(here.traces_endpoint, service, here.environment, here.project_id)


class Recorder:
    """Makes spans and sends them off in batches, from a thread of its own; one a process.

    What the endpoint does not take is dropped, with a line in the log: no event waits for it.
    """

    def __init__(self, to: Exporting) -> None:
        # Imported late: most processes have no use for it.
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace, self._nowhere = trace, Context()
        self._read = TraceContextTextMapPropagator().extract
        own = Resource.create(
            {
                "service.name": to.service,
                "deployment.environment.name": to.environment,
                "gcp.project_id": to.project_id,
            }
        )
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()))
        exporter = OTLPSpanExporter(endpoint=to.endpoint, session=_session(to.endpoint))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("realtime-pipeline")

    def start(
        self,
        name: str,
        kind: str,
        attributes: Attributes,
        parent: str = "",
        began: int | None = None,
    ) -> Span:
        """Begin a span, now or at `began` (ns since the epoch), under the trace of `parent`.

        Without a parent, or with one that can't be read, it is the first of a trace.
        """
        under = self._read({TRACEPARENT: parent}, self._nowhere) if parent else self._nowhere
        return self._tracer.start_span(
            name, under, self._trace.SpanKind[kind], dict(attributes), start_time=began
        )

    def send(
        self, topic: str, attributes: Mapping[str, str], size: int, key: str = "", parent: str = ""
    ) -> tuple[Span, dict[str, str]]:
        """Begin a message's publishing: its span, and its attributes with the trace among them."""
        said = {**about("send", topic), "messaging.message.body.size": size}
        if key:
            said["messaging.gcp_pubsub.message.ordering_key"] = key
        if event_id := attributes.get("event_id"):
            said["pipeline.event_id"] = event_id
        span = self.start(title("send", topic), PRODUCER, said, parent)
        return span, {**attributes, TRACEPARENT: traceparent(span)}

    def sent(self, spans: Sequence[Span], answer: Sequence[str] | Exception) -> None:
        """End the spans of `send`: Pub/Sub gave these ids, or no message was taken."""
        for index, span in enumerate(spans):
            if isinstance(answer, Exception):
                self.fail(span, type(answer).__name__, str(answer))
            else:
                span.set_attribute("messaging.message.id", answer[index])
            span.end()

    def fail(self, span: Span, kind: str, detail: str) -> None:
        """Mark a span as failed: a low number of kinds, and what was wrong."""
        span.set_attribute("error.type", kind)
        span.set_status(self._trace.StatusCode.ERROR, detail)

    @contextmanager
    def doing(self, name: str, kind: str, attributes: Attributes, parent: str) -> Iterator[Span]:
        """A span around a block; an exception marks it, and passes."""
        span = self.start(name, kind, attributes, parent)
        try:
            yield span
        except Exception as error:
            self.fail(span, type(error).__name__, str(error))
            raise
        finally:
            span.end()

    def flush(self) -> None:
        """Send off now what has ended, for a process that may be put to sleep."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send off the rest; nothing is recorded after."""
        self._provider.shutdown()


@cache
def recorder(to: Exporting) -> Recorder:
    """The process's one recorder for a part."""
    return Recorder(to)


def traceparent(span: Span) -> str:
    """A span as a message bears it."""
    here = span.get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_of(attributes: Mapping[str, str]) -> str:
    """The trace that a message bears, "" if none."""
    return attributes.get(TRACEPARENT) or attributes.get(CLIENTS_TRACEPARENT, "")


def unwanted(parent: str) -> bool:
    """Whether a trace says that nobody records it: the last bit of a readable one, at no cost."""
    return len(parent) == TRACEPARENT_LENGTH and parent[-1] in "02468ace"


def title(operation: str, resource: str) -> str:
    """A messaging span's name: `send TOPIC`, `ack SUBSCRIPTION`."""
    return f"{operation} {resource.rpartition('/')[2]}"


def about(operation: str, resource: str) -> dict[str, str | int]:
    """What each messaging span says; `resource` is a topic's or a subscription's full name."""
    _, project, _, short = resource.split("/")
    return {
        "messaging.system": "gcp_pubsub",
        "messaging.operation.name": operation,
        "messaging.operation.type": TYPES[operation],
        "messaging.destination.name": short,
        "gcp.project_id": project,
    }


now = time.time_ns
"""When a span begins that is made only once it ends."""


def _session(endpoint: str) -> Any:
    """Requests' session that knows the part's service account, for Google's receiver alone."""
    if urlsplit(endpoint).hostname != GOOGLE:
        return None
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[APPEND])
    return AuthorizedSession(credentials)
