"""Our Pub/Sub and Google's emulator, both running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.errors import Missing
from bench.ground import Ground, official_pubsub_command
from localgcp.testing.backends import UPSTREAM, Containers
from tests.parity.place import Place

VARIABLE = "PUBSUB_EMULATOR_HOST"


@dataclass(frozen=True)
class Both:
    """The two places, and which release Google's is."""

    ours: Place
    google: Place
    release: str


@contextmanager
def running() -> Iterator[Both]:
    """Both, until the block ends: Google's by its jar where the Cloud SDK has it, else by its
    image. Raises Unavailable where neither can be had.
    """
    with ExitStack() as ends:
        ground = ends.enter_context(Ground(True, lambda step: None))
        ends.enter_context(ground.emulator("pubsub"))
        ours = Place(ground.environ[VARIABLE])
        try:
            _, jar = official_pubsub_command()
        except Missing:
            containers = Containers(UPSTREAM)
            ends.callback(containers.stop)
            yield Both(ours, Place(containers.start("pubsub")), UPSTREAM["pubsub"].name)
            return
        ends.enter_context(ground.official_pubsub())
        release = jar.stem.removeprefix("cloud-pubsub-emulator-").removesuffix("-all")
        yield Both(ours, Place(ground.environ[VARIABLE]), release)
