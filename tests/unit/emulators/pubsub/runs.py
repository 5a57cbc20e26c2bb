"""A broker that is started again and again on one journal."""

from __future__ import annotations

from pathlib import Path

from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.keeper import JournalKeeper
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import SubscriptionConfig, TopicConfig
from localgcp.pubsub.wire import configs, layout
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, FakeClock


class Runs:
    """One data directory, run after run; a run ends as a kill ends it, with nothing tidied."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.path = directory / "journal"
        self.salvage = False
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.path, salvage=self.salvage)
        self.keeper = JournalKeeper(self.journal, configs, layout)
        self.broker = Broker(self.clock, layout, self.keeper)
        self.broker.resume(self.keeper.recover(self.broker))

    def again(self, compact: bool = False) -> Broker:
        if compact:
            self.keeper.compact()
        self.journal.close()
        self.clock.advance(1)
        self.start()
        return self.broker

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.path.iterdir())

    def begin(self) -> None:
        self.broker.create_topic(TopicConfig(name=TOPIC, labels={"team": "a"}))
        self.broker.create_subscription(SubscriptionConfig(name=SUBSCRIPTION, topic=TOPIC))

    def publish(self, *payloads: bytes) -> list[str]:
        return self.broker.publish(TOPIC, [layout.lay_out(data, {}, "") for data in payloads])

    def held(self, name: str = SUBSCRIPTION) -> list[bytes]:
        return [layout.data(each.wire) for each in self.broker.subscription(name).unacked]

    def pull(self) -> list[str]:
        entries = self.broker.subscription(SUBSCRIPTION).lease(self.clock(), 100, 1 << 30)
        return [entry.ack_id for entry in entries]
