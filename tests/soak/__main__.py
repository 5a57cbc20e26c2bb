"""Half an hour of mixed load on Pub/Sub, with hostile input: memory, files and disk stay flat.

`python -m tests.soak --minutes 5` is a shorter one. Nothing published is lost, nothing is logged
as an error, and after a quarter of the time nothing grows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from google.cloud.pubsub_v1 import SubscriberClient

from bench.ground import READY, Child, Ground, said_ready
from tests.parity.place import Place
from tests.soak.hostile import hostile
from tests.soak.loads import LOADS, Load, Shared, pull, receive, until_stopped

EVERY_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""For how long nothing more may come before the rest is given up."""
MOST_GROWTH_MB = 25.0
MOST_DISK_MB = 400.0
MOST_MORE_FILES = 20


@dataclass(frozen=True)
class Sample:
    """The emulator at one moment."""

    resident_mb: float
    files: int
    disk_mb: float


def sample(pid: int, folder: Path) -> Sample:
    """What /proc and the folder say."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(int(each.split()[1]) for each in status.splitlines() if "VmRSS" in each)
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(kilobytes / 1024, files, disk / (1 << 20))


def shared_by(address: str) -> Shared:
    """One topic with two readers."""
    place = Place(address)
    topic = place.topic()
    streamed = place.subscription(topic, ack_deadline_seconds=60)
    pulled = place.subscription(topic, enable_message_ordering=True, ack_deadline_seconds=60)
    seen: dict[str, set[str]] = {streamed: set(), pulled: set()}
    return Shared(address, place, threading.Event(), topic, streamed, pulled, seen=seen)


def loaded(shared: Shared, seconds: float, child: Child, folder: Path) -> list[Sample]:
    """Run all loads for so long; what was sampled meanwhile."""
    counts: Counter[str] = Counter()
    failures: list[BaseException] = []

    def work(load: Load, seed: int) -> None:
        try:
            counts[load.__name__] += until_stopped(shared, load, seed)
        except BaseException as error:
            failures.append(error)
            shared.stopping.set()
            raise

    threads = [
        threading.Thread(target=work, args=(load, seed), name=load.__name__)
        for seed, load in enumerate((*LOADS, hostile))
    ]
    for thread in threads:
        thread.start()
    samples, until = [], time.monotonic() + seconds
    while time.monotonic() < until and not shared.stopping.wait(EVERY_SECONDS):
        child.check()
        samples.append(sample(child.pid, folder))
    shared.stopping.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    print("rounds:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    return samples


def drained(shared: Shared) -> dict[str, int]:
    """How many messages each reader never saw, though it went on as long as any came."""
    rng, left, until = Random(0), -1, 0.0
    while left and (left < 0 or time.monotonic() < until):
        pull(shared, rng)
        before, left = left, sum(len(shared.published - seen) for seen in shared.seen.values())
        if left != before:
            until = time.monotonic() + PATIENCE_SECONDS
    return {name: len(shared.published - seen) for name, seen in shared.seen.items()}


def verdict(samples: list[Sample], lost: dict[str, int], log: str) -> list[str]:
    """What is wrong, in words; prints the figures."""
    settled = samples[len(samples) // 4 :]
    half = len(settled) // 2
    first, last = settled[:half], settled[half:]

    def growth(of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, last)) - statistics.median(map(of, first))

    memory, files = growth(lambda each: each.resident_mb), growth(lambda each: each.files)
    most = max(settled, key=lambda each: each.disk_mb).disk_mb
    peak = max(settled, key=lambda each: each.resident_mb).resident_mb
    print(
        f"memory: {memory:+.1f} MB from half to half, at most {peak:.0f} MB; "
        f"files: {files:+.0f}; disk: at most {most:.0f} MB; lost: {sum(lost.values())}"
    )
    wrong = []
    if memory > MOST_GROWTH_MB:
        wrong.append(f"memory grows by {memory:.1f} MB")
    if files > MOST_MORE_FILES:
        wrong.append(f"{files:.0f} more files are open")
    if most > MOST_DISK_MB:
        wrong.append(f"the journal takes {most:.0f} MB")
    wrong += [f"{count} messages never came to {name}" for name, count in lost.items() if count]
    if "Traceback" in log:
        wrong.append("the emulator logged a traceback: " + log[log.index("Traceback") :][:2000])
    return wrong


def main(minutes: float) -> int:
    """0 if nothing grew, nothing was lost and nothing failed."""
    with Ground(True, print) as ground:
        folder = ground.folder / "kept"
        with ground.module("localgcp", "pubsub", "--data-dir", str(folder)) as child:
            ground.wait(lambda: said_ready(child), "pubsub to listen", child)
            told = next(line for line in child.log.read_text().splitlines() if READY in line)
            ground.lead(json.loads(told)["env"])
            shared = shared_by(ground.environ["PUBSUB_EMULATOR_HOST"])
            with SubscriberClient() as client:
                stream = client.subscribe(shared.streamed, receive(shared, Random(1)))
                samples = loaded(shared, minutes * 60, child, folder)
                lost = drained(shared)
                stream.cancel()
                stream.result(timeout=30)
            print(f"{len(shared.published)} messages in {minutes:g} minutes")
            wrong = verdict(samples, lost, child.log.read_text(errors="replace"))
    for each in wrong:
        print(each)
    print(f"{int(not wrong)} passed, {len(wrong)} failed")
    return bool(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    raise SystemExit(main(parser.parse_args().minutes))
