"""The same job with no Beam: pull, validate, ack. The next pull is under way meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from bench.jobs import tally
from bench.wire import SENT, Wire
from event_types.validate import validate


def main(address: str, subscription: str, path: str) -> NoReturn:
    """Run until killed; `path` is the tally's."""
    with Wire(address) as wire:
        ahead = wire.pull(subscription)
        while True:
            received = ahead.result().received_messages
            ahead = wire.pull(subscription)
            sent = []
            for each in received:
                validate(each.message.data)
                if moment := each.message.attributes.get(SENT):
                    sent.append(float(moment))
            if received:
                tally.say(Path(path), len(received), sent)
                wire.ack(subscription, received)
