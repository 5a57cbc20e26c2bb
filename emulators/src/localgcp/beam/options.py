"""The runner's own options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions


class LocalRunnerOptions(PipelineOptions):
    """Options that only LocalRunner reads; times are in seconds."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--status_port", type=int, help="Serve GET /status and /health here; 0: a free port."
        )
        # No default here: Beam sends every default it knows of to Dataflow.
        parser.add_argument("--status_host", help="Where; 127.0.0.1, in a container 0.0.0.0.")
        parser.add_argument(
            "--pull_max_messages",
            type=_between(1, 1000),
            default=1000,
            help="Most messages of one pull, which is one bundle (Pub/Sub allows 1000).",
        )
        parser.add_argument(
            "--pull_wait_seconds",
            type=_between(0.01, 10.0),
            default=0.1,
            help="How long to wait for a message before windows and retries get their turn.",
        )
        parser.add_argument(
            "--max_outstanding_messages",
            type=_between(1, 100_000_000),
            default=500_000,
            help="Stop pulling while this many messages are unacked.",
        )
        parser.add_argument(
            "--max_outstanding_bytes",
            type=_between(1, 1 << 40),
            default=512 << 20,
            help="Stop pulling while this many payload bytes are unacked.",
        )
        cls._add_times_and_places(parser)

    @staticmethod
    def _add_times_and_places(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--ack_lease_seconds",
            type=_between(10, 600),
            default=20,
            help="Ack deadline given to what is held; after a crash Pub/Sub waits as long.",
        )
        parser.add_argument(
            "--subscription_wait_seconds",
            type=_between(0.0, 86_400.0),
            default=0.0,
            help="How long a job that starts waits for a subscription that is not there yet.",
        )
        parser.add_argument(
            "--state_dir",
            help="Where a job keeps user state, timers and the subscriptions that it makes of"
            " topics; .localgcp/state if absent.",
        )
        parser.add_argument(
            "--bounded_attempts",
            type=_between(1, 1000),
            default=4,
            help="How often a bundle is tried where nothing is read from Pub/Sub, as on Dataflow;"
            " 1 ends the job at the first error.",
        )
        parser.add_argument(
            "--drain_timeout_seconds",
            type=_between(0.1, 86_400.0),
            default=60.0,
            help="A drain that gets nothing done for so long fails; the rest stays unacked.",
        )


def state_folder(options: Any) -> Path:
    """Where a job keeps what must outlive it; `options` is LocalRunnerOptions."""
    return Path(options.state_dir or ".localgcp/state")


class _between:  # noqa: N801 - reads as a phrase where it is used
    """An argparse type: a number within bounds, of the bounds' own type."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def __call__(self, text: str) -> float:
        value = type(self._low)(text)
        if not self._low <= value <= self._high:
            raise argparse.ArgumentTypeError(f"{text} is not within {self._low}..{self._high}")
        return value

    def __repr__(self) -> str:
        return type(self._low).__name__
