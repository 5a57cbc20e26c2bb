"""Answers what gcloud asks of what only the cloud has: the registry, Run, Functions, Dataflow.

Nothing of these runs on a laptop, so the scripts' questions are answered by what a test has put
here; what they ask is kept. The clients are the real ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass
class ControlPlane:
    """What each path ends with, and the JSON it answers; 404 for all others."""

    answers: dict[str, Any]
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                plane.asked.append(self.path)
                plane.tokens.add(self.headers.get("authorization", ""))
                path = urlsplit(self.path).path
                found = [body for end, body in plane.answers.items() if path.endswith(end)]
                text = json.dumps(found[0] if found else {"error": {"code": 404}}).encode()
                self.send_response(200 if found else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environ(self) -> dict[str, str]:
        """What leads gcloud and the scripts here."""
        url = f"http://127.0.0.1:{self._server.server_port}"
        services = ("ARTIFACTREGISTRY", "RUN", "CLOUDFUNCTIONS", "DATAFLOW")
        return {
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{each}": f"{url}/" for each in services},
            "MONITORING_ENDPOINT": url,
        }
