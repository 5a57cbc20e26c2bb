"""The engine for pipelines that remember: Beam's own worker code over a store on disk.

plan.py       the pipeline as stages; beam_parts.py: all that is taken from Beam's insides
build.py      puts the parts together, and takes up what an earlier run left
engine.py     the loop: one bundle at a time, flush, ack (tasks.py, waiting.py, splitting.py)
nodes.py      the running graph and its watermarks (least.py)
worker.py     runs a bundle of a stage
state.py      user state; timers.py; views.py: side inputs; grouping.py: windows and triggers
store.py      the SQLite file that holds one moment of all of it
sources.py    subscriptions, impulses, TestStreams (messages.py)
metrics.py    the user's metrics
"""
