"""A task for each subscription that wants one, for as long as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable

from localgcp.pubsub.domain.subscription import Subscription

logger = logging.getLogger(__name__)

Run = Callable[[], Coroutine[object, object, None]]


class PerSubscription:
    """The tasks, by their subscriptions' names. In the event loop only."""

    def __init__(self, doing: str) -> None:
        """`doing` is what the log calls it."""
        self._doing = doing
        self._running: dict[str, tuple[Hashable, asyncio.Task[None]]] = {}

    def sync(self, subscription: Subscription, wanted: Hashable, run: Run) -> None:
        """Have `run()` go on while `wanted` stays what it is; None ends it."""
        wanted = None if subscription.closed or subscription.config.detached else wanted
        known = None if wanted is None else (id(subscription), wanted)
        running = self._running.get(subscription.name)
        if running and running[0] != known:
            self._running.pop(subscription.name)[1].cancel()
            running = None
        if known is not None and not running:
            task = asyncio.get_running_loop().create_task(run())
            task.add_done_callback(self._report)
            self._running[subscription.name] = (known, task)

    async def close(self) -> None:
        """Stop all; what was under way is delivered again after the next start."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _report(self, task: asyncio.Task[None]) -> None:
        """One that ends by an error would otherwise do so in silence."""
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s has stopped", self._doing, exc_info=task.exception())
