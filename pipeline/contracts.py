"""3 · The contract of each event type as it is now: read from the dataset's labels, while it runs.

An event is never refused by a contract that was read before it came, so a change that is confirmed
holds for every event published after it. What a contract lets in may be as old as LOOK_SECONDS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache

from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from event_types.contract import Contract, contract_of

LOOK_SECONDS = 5.0
REQUEST_SECONDS = 30.0


class Contracts:
    """The labels of one dataset, read again as they are needed; one a worker."""

    def __init__(
        self,
        read: Callable[[], Mapping[str, str]],
        default: Contract,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._default, self._clock = read, default, clock
        self._labels: Mapping[str, str] = {}
        self._at = float("-inf")

    def now(self) -> float:
        """The moment, for `of`."""
        return self._clock()

    def of(self, event_type: str, since: float | None = None) -> Contract:
        """The contract of a type, read at `since` or later; by default in the last few seconds.

        Raises what reading raises: nothing is judged by a guess.
        """
        now = self._clock()
        if self._at < (now - LOOK_SECONDS if since is None else since):
            self._labels, self._at = self._read(), now
        return contract_of(self._labels, event_type, self._default)


@cache
def contracts(project: str, dataset: str, default: str) -> Contracts:
    """The worker's one view of a dataset's contracts."""
    client = bigquery.Client(project=project)

    def read() -> Mapping[str, str]:
        retry = DEFAULT_RETRY.with_timeout(REQUEST_SECONDS)
        found = client.get_dataset(dataset, retry=retry, timeout=REQUEST_SECONDS)
        return dict(found.labels)

    return Contracts(read, Contract(default))
