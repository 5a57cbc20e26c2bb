"""The job's state, and the small server that tells it, and that drains the job."""

from __future__ import annotations

import errno
import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localgcp.base import LOOPBACK, reachable
from localgcp.beam.errors import StatusPortBusy
from localgcp.guard import NOBODY_ELSE, Allowed, Asked, cors, decide

STARTING, RUNNING, DRAINING, DONE, FAILED = "STARTING", "RUNNING", "DRAINING", "DONE", "FAILED"


class StatusServer:
    """Serves GET /status and GET /health, and drains the job by POST /drain.

    /status: {state, stalled (why it stands still, or null), pulled, acked, outstanding,
    failed_bundles, retrying, dropped_late, watermark (RFC 3339 or null), counters}. /health: 200
    while the job pulls and does not stand still, else 503; with state and stalled. /drain: the
    status; the job ends as a drained one, and its pages go on telling so.
    """

    def __init__(self, port: int, host: str = LOOPBACK, allowed: Allowed = NOBODY_ELSE) -> None:
        """Take `port`, or a free one for 0; `allowed` may ask besides this machine's programs.

        Raises StatusPortBusy.
        """
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StatusPortBusy(host, port) from error
            raise
        self._server.allowed = allowed.with_host(reachable(host))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="status", daemon=True
        )

    def start(self, status: Callable[[], dict[str, Any]], drain: Callable[[], None]) -> None:
        """Serve what `status` tells, from a thread of its own; `drain` begins a drain."""
        self._server.status, self._server.drain = status, drain
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    status: Callable[[], dict[str, Any]]
    drain: Callable[[], None]
    allowed: Allowed

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone before the answer: that is no failure of the job."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self._is_refused("GET"):
            return
        if self.path == "/status":
            self._answer(200, self.server.status())
        elif self.path == "/health":
            found = self.server.status()
            flows = found["state"] == RUNNING and not found["stalled"]
            page = {name: found[name] for name in ("state", "stalled")}
            self._answer(200 if flows else 503, page)
        else:
            self._answer(404, {"error": f"no page {self.path!r}; there are /status and /health"})

    def do_POST(self) -> None:
        if self._is_refused("POST"):
            return
        if self.path == "/drain":
            self.server.drain()
            self._answer(200, self.server.status())
        else:
            self._answer(404, {"error": f"nothing to do at {self.path!r}; there is /drain"})

    def _is_refused(self, method: str) -> bool:
        """Answer whom the guard does not let in."""
        headers = [(n.lower().encode(), v.encode("latin-1")) for n, v in self.headers.items()]
        asked, allowed = Asked.of(method, headers), self.server.allowed
        refusal = decide(asked, allowed)
        self._more = cors(asked, headers) if allowed.origin(asked.origin) else []
        if refusal is not None:
            self._answer(refusal.status, {"error": refusal.text})
        return refusal is not None

    def _answer(self, code: int, page: dict[str, Any]) -> None:
        body = json.dumps(page).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in self._more:
            self.send_header(name.decode(), value.decode("latin-1"))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing: it is polled."""
