"""uvicorn as our services run it: no log of its own, and a signal that ends it once."""

from __future__ import annotations

import gc
import signal
from typing import Any

import uvicorn

FINISH_SECONDS = 2
"""What requests under way may still take once a signal has come."""


def config(application: Any, host: str, port: int) -> uvicorn.Config:
    """For an ASGI application on host:port."""
    return uvicorn.Config(
        application,
        http="h11",  # httptools, where it is installed, reads a head without end
        ws="none",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )


def run(server: uvicorn.Server) -> None:
    """Serve until SIGTERM or SIGINT."""
    # uvicorn raises the signal again when it is done; by then it means nothing more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    # What the imports made stays for good: neither a collection nor the end need look at it.
    gc.freeze()
    server.run()
