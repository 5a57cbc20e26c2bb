"""A streaming runner for one machine that loses nothing: Beam's bundle-based runner, made honest.

A Pub/Sub message comes in; it is acked only when nothing derived from it waits in memory alone.

    runner.py        puts the parts together; options.py: what can be set
    survey.py        which of two engines a pipeline wants: this one, or durable/ for what keeps
                     state, timers, restrictions or side inputs over the life of a message
    cloud.py         where Beam's own Google clients go
    connect.py       opens the subscription, or makes one of a topic (own_subscription.py);
                     subscriber.py speaks to it, watching.py tells somebody of it
    source.py        makes each pull a bundle; source_watermark.py: what may still come
    engine.py        runs bundles one at a time and retries what fails (control.py);
                     failures.py tells of it
    evaluators.py    how each kind of step is run
    context.py       commits results and counts, per pull, what still waits (bundles.py)
    windows.py       groups by key and window (window_state.py, archive.py, step_watermarks.py)
    acks.py          extends the deadlines of what is held, acks what is done
    job.py           the running job: state, drain, end (signals.py, status.py)
"""

from localgcp.beam.options import LocalRunnerOptions
from localgcp.beam.runner import LocalRunner

__all__ = ["LocalRunner", "LocalRunnerOptions"]
