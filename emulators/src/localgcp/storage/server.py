"""The front, with all that it needs open: the binary's connections, its own file, the messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from localgcp import room
from localgcp.asgi import Application
from localgcp.storage.disk.process import BinaryProcess
from localgcp.storage.disk.records import FILE, Records
from localgcp.storage.disk.upstream import Upstream
from localgcp.storage.domain.buckets import Buckets
from localgcp.storage.domain.copies import Copies
from localgcp.storage.domain.listings import Listings
from localgcp.storage.domain.notifications import Notifications
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.parts import PartUploads
from localgcp.storage.domain.uploads import Uploads
from localgcp.storage.wire import front


@asynccontextmanager
async def opened(
    binary: BinaryProcess, root: Path, pubsub: str | None
) -> AsyncIterator[Application]:
    """The ASGI application before `binary`, whose notifications go to `pubsub`, HOST:PORT."""
    upstream, records = Upstream(binary.host, binary.port), Records(root / FILE)
    notifications = Notifications(records, pubsub)
    objects = Objects(upstream, records, notifications)
    delivering = asyncio.create_task(notifications.deliver())
    try:
        yield front.application(
            Buckets(upstream, records),
            objects,
            Copies(upstream, objects),
            Listings(upstream, records),
            Uploads(root, objects, records),
            PartUploads(root, objects, records),
            notifications,
            lambda: room.trouble(root),
        )
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering
        upstream.close()
        records.close()
