"""1 · Runs the generator: `python -m services.generator`."""

from __future__ import annotations

import logging
import os
import signal

import uvicorn

import settings
from services import guard, logs, serving
from services.generator.app import create_app
from services.generator.publish import Publisher
from services.generator.service import Service
from telemetry import Exporting


def main() -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP; 0 if everything published was confirmed."""
    here = settings.load()
    logs.set_up(here.log_level)
    options = settings.generator()
    exporting = Exporting.of(here, here.generator)
    publisher = Publisher(here.topic, here.publish_log, exporting=exporting)
    service = Service(here.environment, publisher, options.scenarios_file, options.replay_dir)
    guarded = guard.middleware(here.allow_hosts, here.allow_origins)
    application = create_app(service, options.token, guarded)
    server = uvicorn.Server(serving.config(application, here.host, here.port))
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        # Its terminal is closed, which uvicorn does not look for.
        signal.signal(signal.SIGHUP, lambda *_: server.handle_exit(signal.SIGTERM, None))
    serving.run(server)
    return 1 if service.unconfirmed else 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # All is confirmed and closed; gRPC's own threads can hang the interpreter's teardown after an
    # outage, and then SIGKILL would follow.
    os._exit(code)
