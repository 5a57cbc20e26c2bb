"""A server that stands where BigQuery's emulator shows the certificate of its tunnel."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from localgcp import tunnel


class _Handler(http.server.BaseHTTPRequestHandler):
    certificate = b""

    def do_GET(self) -> None:
        has = bool(self.certificate) and self.path == tunnel.PAGE
        self.send_response(200 if has else 404)
        self.end_headers()
        self.wfile.write(self.certificate)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def certificate(text: bytes) -> Iterator[str]:
    """HOST:PORT of one that shows `text`; with b"", it has none, as another's emulator."""
    handler = type("Handler", (_Handler,), {"certificate": text})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
