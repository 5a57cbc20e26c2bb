"""Seek: which messages of a subscription are unacked is set anew, by a time or by a snapshot.

Page "Replay and purge messages with seek". What can come back is what is retained: by the
subscription with `retain_acked_messages`, by the topic with a retention of its own, by a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from localgcp.pubsub.domain.keeping import Keeper
from localgcp.pubsub.domain.message import Layout, Message
from localgcp.pubsub.domain.names import short
from localgcp.pubsub.domain.snapshots import Snapshot, Snapshots
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.topic import Topic
from localgcp.pubsub.errors import InvalidArgument


class Seeking:
    """The seeks of one broker, over its topics and snapshots. Times are seconds since the epoch."""

    def __init__(
        self,
        clock: Callable[[], float],
        keeper: Keeper,
        layout: Layout,
        topics: Mapping[str, Topic],
        snapshots: Snapshots,
    ) -> None:
        self._clock, self._keeper, self._layout = clock, keeper, layout
        self._topics, self._snapshots = topics, snapshots

    def to_time(self, target: Subscription, time: float) -> None:
        """What was published at `time` or later is unacked, as far as it is retained; the rest is
        acked.

        Raises WrongState, StorageFailed.
        """
        target.check_open()
        now = self._clock()
        kept = _by_id(target.unacked)
        kept |= _by_id(target.retained.since(now - target.config.retention))
        topic = self._topics.get(target.config.topic)
        if topic is not None and topic.config.message_retention_duration is not None:
            oldest = now - topic.config.message_retention_duration.total
            kept |= _by_id(self._passing(target, topic.retained.since(oldest)))
        self._seek(target, {id: each for id, each in kept.items() if each.published >= time})

    def to_snapshot(self, target: Subscription, snapshot: Snapshot) -> None:
        """What the snapshot holds is unacked, the rest is acked.

        Raises InvalidArgument for a snapshot of another topic, WrongState, StorageFailed.
        """
        target.check_open()
        if target.config.topic != snapshot.config.topic or target.config.topic not in self._topics:
            raise InvalidArgument(
                f"The snapshot {short(snapshot.config.name)} is of the topic "
                f"{snapshot.config.topic}, and the subscription {short(target.name)} of "
                f"{target.config.topic}; they must be of the same topic."
            )
        messages: Iterable[Message] = snapshot.retained
        if target.config.filter != snapshot.config.filter:
            messages = self._passing(target, messages)
        self._seek(target, _by_id(messages))

    def again(self, target: Subscription, acked: Sequence[int], revived: Sequence[int]) -> None:
        """Seek as an earlier run did. Raises KeyError for a message that nobody retains."""
        topic = self._topics.get(target.config.topic)
        holders = [target.retained, *([topic.retained] if topic else [])]
        holders += [
            each.retained
            for each in self._snapshots.by_name.values()
            if each.config.topic == target.config.topic
        ]
        messages = []
        for message_id in revived:
            found = [holder.get(message_id) for holder in holders]
            kept = next((each for each in found if each is not None), None)
            if kept is None:
                raise KeyError(message_id)
            messages.append(kept)
        target.seek(acked, messages)

    def _seek(self, target: Subscription, wanted: Mapping[int, Message]) -> None:
        target.expiry.touch(self._clock())
        acked = [message_id for message_id in target.unacked.ids() if message_id not in wanted]
        revived = sorted(wanted.keys() - target.unacked.ids())
        if wanted or acked:  # even where all stays as it is, what is lent comes again
            self._keeper.seek(target.name, acked, revived)
            target.seek(acked, [wanted[message_id] for message_id in revived])

    def _passing(self, target: Subscription, messages: Iterable[Message]) -> Iterable[Message]:
        passes = target.filter
        if passes is None:
            return messages
        return (each for each in messages if passes(self._layout.attributes(each.wire)))


def _by_id(messages: Iterable[Message]) -> dict[int, Message]:
    return {message.id: message for message in messages}
