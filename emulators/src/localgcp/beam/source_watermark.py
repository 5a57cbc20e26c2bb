"""What a Pub/Sub source may promise: no message still to come is older than this."""

from __future__ import annotations

from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp


class SourceWatermark:
    """Follows the pulls of one subscription; never goes back.

    While messages come, the oldest of the latest pull: Pub/Sub delivers roughly in order, so the
    backlog behind it is younger. Once a pull finds nothing, the time it began: what is published
    later is younger still. A message delivered a second time may be older than either. It is
    late then, which is what a window's allowed lateness is for.
    """

    def __init__(self) -> None:
        self.value: Timestamp = MIN_TIMESTAMP

    def found(self, oldest: Timestamp, began: Timestamp) -> Timestamp:
        """A pull that began at `began` brought messages from `oldest` on."""
        return self._advance(min(oldest, began))

    def found_nothing(self, began: Timestamp) -> Timestamp:
        """A pull that began at `began` showed the subscription to be empty."""
        return self._advance(began)

    def give_way(self, now: Timestamp) -> Timestamp:
        """No more may be pulled until windows close: the backlog will be late, not stuck."""
        return self._advance(now)

    def _advance(self, to: Timestamp) -> Timestamp:
        self.value = max(self.value, to)
        return self.value
