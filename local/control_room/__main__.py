"""Runs the control room: `python -m local.control_room`. The environment says where the stack is.

PIPELINE_URL and the other variables that `python -m local env` prints lead to the parts; logs and
snapshots are those of LOCAL_DATA_DIR.
"""

from __future__ import annotations

import secrets
import sys
from types import FrameType

import uvicorn

import settings
from local import laptop
from local.attached import attached
from local.control_room.app import create_app
from local.control_room.feed import Feed
from local.control_room.room import Room
from localgcp.guard import Allowed
from services import logs, serving


class _Server(uvicorn.Server):
    """Ends the pages' streams first, which have no end of their own."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self._feed.close()
        super().handle_exit(sig, frame)


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    here = settings.load()
    logs.set_up(here.log_level)
    stack = attached()
    if stack is None:
        print("control_room: PIPELINE_URL is not set: no stack to show", file=sys.stderr)
        return 2
    room = Room(stack, laptop.asked().data_dir, secrets.token_urlsafe(32))
    application = create_app(room, Allowed(here.allow_hosts, here.allow_origins))
    serving.run(_Server(serving.config(application, here.host, here.port), room.feed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
