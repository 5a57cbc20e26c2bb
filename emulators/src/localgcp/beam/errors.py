"""What the runner raises itself. Errors of user code are retried, so they are not here."""

from __future__ import annotations


class LocalRunnerError(Exception):
    """Ends the job; whatever was not done stays unacked."""


class UnsupportedTransform(LocalRunnerError):
    """A step downstream of Pub/Sub keeps data where acks can't follow it."""

    def __init__(self, step: str, why: str) -> None:
        self.step = step
        super().__init__(f"LocalRunner can't run step {step!r} on messages of Pub/Sub: {why}")


class SubscriptionUnusable(LocalRunnerError):
    """Pub/Sub refuses to serve the subscription, and asking again won't help."""

    def __init__(self, subscription: str, code: str, detail: str) -> None:
        super().__init__(f"subscription {subscription!r} can't be pulled: {code}: {detail}")


class InvalidTimestamp(LocalRunnerError):
    """A message's timestamp attribute is neither RFC 3339 nor milliseconds since the epoch."""

    def __init__(self, message_id: str, attribute: str, value: str) -> None:
        super().__init__(
            f"message {message_id!r}: attribute {attribute!r} should be RFC 3339 or"
            f" milliseconds since the epoch; got {value!r}"
        )


class DrainTimedOut(LocalRunnerError):
    """A drain got nothing done for too long; the rest will be delivered again."""

    def __init__(self, seconds: float, outstanding: int, retrying: int) -> None:
        super().__init__(
            f"drain got nothing done in {seconds:g} s (--drain_timeout_seconds):"
            f" {outstanding} messages stay unacked, {retrying} bundles still fail"
        )


class CannotAck(LocalRunnerError):
    """Pub/Sub is away as a drain begins, so what the drain would write would be written again."""

    def __init__(self, subscription: str, messages: int) -> None:
        super().__init__(
            f"{subscription} can't be reached, so nothing is drained:"
            f" {messages} messages stay unacked and come again"
        )


class StatusPortBusy(LocalRunnerError):
    """Another process listens where the status was to be served."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is in use; pass another --status_port")


class NoEmulator(LocalRunnerError):
    """A client of Beam's own would leave the machine while other emulators are set."""

    def __init__(self, service: str, variable: str) -> None:
        super().__init__(
            f"{service} is asked for, and the environment names emulators but none of it: set"
            f" {variable}, or unset the others to go to Google Cloud"
        )


class NeedsJava(LocalRunnerError):
    """A write method that Beam has in Java alone."""

    def __init__(self) -> None:
        super().__init__(
            "not supported by the emulator: WriteToBigQuery(method=STORAGE_WRITE_API), which Beam"
            " runs by a Java expansion service. Use STREAMING_INSERTS or FILE_LOADS, or write in a"
            " DoFn by google-cloud-bigquery-storage, as pipeline/storage_write.py does"
        )


class Cancelled(LocalRunnerError):
    """The job was cancelled; what it held is unacked."""

    def __init__(self) -> None:
        super().__init__("the job was cancelled")


class Stalled(LocalRunnerError):
    """Nothing is left to run, yet a watermark has not reached its end: a bug or a lost input."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__(f"nothing left to run, but these steps are not done: {', '.join(steps)}")


class StoreBusy(LocalRunnerError):
    """Another process has the job's store."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in use: another job runs on this state; pass --state_dir")


class StoreUnusable(LocalRunnerError):
    """The job's store can't be read or written."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(f"the state in {path} can't be kept: {detail}")


class StateOfAnother(LocalRunnerError):
    """The store holds the state of a pipeline with other steps."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} holds the state of another graph, which this one can't take over:"
            " pass another --state_dir, or delete it and what it holds"
        )
