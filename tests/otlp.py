"""A receiver of OpenTelemetry's protocol, as a collector is: it decodes the official protobuf."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanProto
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Span:
    """A span as it came, and whose it is."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, str | int]


@dataclass
class Receiver:
    """What came so far, on a port."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    @property
    def endpoint(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        """One request."""
        request = ExportTraceServiceRequest.FromString(body)
        found = [
            _span(str(_values(each.resource.attributes)["service.name"]), one)
            for each in request.resource_spans
            for scope in each.scope_spans
            for one in scope.spans
        ]
        with self.changed:
            self.spans += found
            self.changed.notify_all()

    def wait(self, names: set[str], seconds: float) -> list[Span]:
        """All spans, once there is one of each name."""
        with self.changed:
            self.changed.wait_for(lambda: names <= {each.name for each in self.spans}, seconds)
            assert names <= (came := {each.name for each in self.spans}), names - came
            return list(self.spans)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """One that listens while the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.take(
                gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
            )
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _values(attributes: object) -> dict[str, str | int]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value"))
        for each in attributes  # type: ignore[attr-defined]
    }


def _span(service: str, one: SpanProto) -> Span:
    return Span(
        service,
        one.name,
        SpanProto.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_"),
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        one.start_time_unix_nano,
        one.end_time_unix_nano,
        one.status.code == Status.STATUS_CODE_ERROR,
        _values(one.attributes),
    )
