"""A streaming runner for one machine that loses nothing: Beam's bundle-based runner, made honest.

A Pub/Sub message comes in; it is acked only when nothing derived from it waits anywhere.

    source.py       pulls messages, dedups them, makes them elements of one bundle
    watermark.py    what the source may promise about messages still to come
    engine.py       runs bundles one at a time, retries what fails
    context.py      commits results and counts, per pull, what still waits
    windows.py      groups by key and window; a window's state knows the pulls it came from
    acks.py         extends the deadlines of what is held, acks what is done
    refusals.py     what it can't carry without loss, said before it starts
"""

from pipeline.local_runner.options import LocalRunnerOptions
from pipeline.local_runner.runner import LocalRunner

__all__ = ["LocalRunner", "LocalRunnerOptions"]
